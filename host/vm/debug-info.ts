import { SourceMap } from "node:module";
import { basename } from "node:path";
import { customSection, readSections, SECTION } from "./inspect";
import { WasmReader } from "./wasm-reader";

/** Reads a text file that lies beside a module, by its path relative to it; undefined when there is none. */
export type ReadBeside = (path: string) => string | undefined;

/**
 * Where in the source a module's code comes from. Nothing is read before somebody asks, which is after a trap.
 * A source map is looked for where the module's `sourceMappingURL` section says, then at `<module>.map`.
 */
export class DebugInfo {
  private map: SourceMap | undefined;
  private starts: number[] = [];
  private loaded = false;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly name: string,
    private readonly importedFunctions: number,
    private readonly readBeside: ReadBeside | undefined,
    /** Where in `bytes` stood what is at an offset of what V8 compiled. */
    readonly original: (offset: number) => number = (offset) => offset,
  ) {}

  /** Has the module a source map? */
  get mapped(): boolean {
    this.load();
    return this.map !== undefined;
  }

  /**
   * `file:line:column` of the instruction at `offset` (from the start of the module). Instructions the compiler added
   * take the place before them in the same function; a function that is all compiler's work has no place.
   */
  place(functionIndex: number, offset: number): string | undefined {
    this.load();
    const start = this.starts[functionIndex - this.importedFunctions];
    if (!this.map || start === undefined) return undefined;
    let entry = this.map.findEntry(0, offset);
    while ("generatedColumn" in entry && entry.generatedColumn >= start) {
      if (entry.originalSource !== undefined)
        return `${entry.originalSource}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
      entry = this.map.findEntry(0, entry.generatedColumn - 1);
    }
    return undefined;
  }

  /** {@link place} of an offset alone, as Envoy's backtraces give it. */
  placeAt(offset: number): string | undefined {
    this.load();
    const after = this.starts.findIndex((start) => start > offset);
    const index = (after < 0 ? this.starts.length : after) - 1;
    return index < 0 ? undefined : this.place(index + this.importedFunctions, offset);
  }

  private load(): void {
    if (this.loaded) return;
    this.loaded = true;
    try {
      const text = this.mapText();
      if (text === undefined) return;
      this.map = new SourceMap(JSON.parse(text));
      this.starts = this.bodyStarts();
    } catch {
      // Whatever lies there is no source map; the trap itself is what the user has to hear of.
      this.map = undefined;
    }
  }

  private mapText(): string | undefined {
    const section = customSection(this.bytes, "sourceMappingURL");
    const url = section && new WasmReader(section).name();
    const inline = url && /^data:application\/json[^,]*?(;base64)?,(.*)$/s.exec(url);
    if (inline)
      return inline[1] ? Buffer.from(inline[2]!, "base64").toString() : decodeURIComponent(inline[2]!);
    const beside = `${basename(this.name)}.map`;
    return (url && this.readBeside?.(url)) ?? this.readBeside?.(beside);
  }

  /** Offset of each function body, from the start of the module. */
  private bodyStarts(): number[] {
    const code = readSections(this.bytes).find(({ id }) => id === SECTION.code)?.body;
    if (!code) return [];
    const reader = new WasmReader(code);
    return Array.from(
      { length: reader.u32() },
      () => reader.sub(reader.u32()).byteOffset - this.bytes.byteOffset,
    );
  }
}
