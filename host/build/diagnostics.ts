import { existsSync, readFileSync } from "node:fs";
import { relative, resolve } from "node:path";
import type { AscDiagnostic } from "./compiler";
import { PACKAGE } from "./sdk-location";

/** Turns the compiler's source names and offsets into what an author can open. */
export class SourceNames {
  constructor(
    private readonly project: string,
    private readonly toolkit: string,
  ) {}

  /** Absolute path; undefined for the compiler's own library. */
  path(source: string): string | undefined {
    const sdk = `~lib/${PACKAGE}/`;
    if (source.startsWith(sdk)) return resolve(this.toolkit, source.slice(sdk.length));
    if (!source.startsWith("~lib/")) return resolve(this.project, source);
    const installed = resolve(this.project, "node_modules", source.slice("~lib/".length));
    return existsSync(installed) ? installed : undefined;
  }

  /** The path from the working directory when the file lies there, else absolute; library names as they are. */
  name(source: string): string {
    const path = this.path(source);
    if (path === undefined) return source;
    const fromHere = relative(process.cwd(), path);
    return fromHere.startsWith("..") ? path : fromHere;
  }

  /** `file:line:column` of a character offset; lines and columns count from 1. */
  position(source: string, offset: number, text = this.text(source)): string {
    const before = text.slice(0, offset).split("\n");
    return `${this.name(source)}:${before.length}:${(before.at(-1) ?? "").length + 1}`;
  }

  /** One diagnostic as `file:line:column: message (AS123)`. */
  format({ message, code, range }: AscDiagnostic): string {
    // The compiler's own codes start with AS, those it shares with TypeScript (from 1000 on) with TS.
    const text = `${message} (${code < 1000 ? "AS" : "TS"}${code})`;
    return range ? `${this.position(range.source.normalizedPath, range.start)}: ${text}` : text;
  }

  private text(source: string): string {
    const path = this.path(source);
    try {
      return path === undefined ? "" : readFileSync(path, "utf8");
    } catch {
      return ""; // a file that does not exist: its diagnostic says so
    }
  }
}
