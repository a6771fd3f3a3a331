import { BufferType } from "../../sdk/abi/buffer-type";
import { MapType } from "../../sdk/abi/map-type";
import { MetricType } from "../../sdk/abi/metric-type";
import { Status } from "../../sdk/abi/status";
import { StreamType } from "../../sdk/abi/stream-type";
import { CALLBACKS, type CallbackName, type CallbackRow } from "../abi/callbacks";
import { HOSTCALLS, type HostcallName } from "../abi/hostcalls";
import { type Param, type ParamKind, type SignatureRow, WASM_TYPES } from "../abi/signature";
import { Errno, WASI, type WasiName } from "../abi/wasi";
import type { Instance } from "../context/instance";
import { LEVEL_NAMES, type TraceSink } from "../log";
import { decodePairs } from "../stores/pairs";
import { TraceText } from "./trace-text";

type Value = number | bigint | undefined;
type Fn = (...args: Value[]) => Value;

/** Kinds whose numbers have names. */
const NAMES: Partial<Record<ParamKind, Readonly<Record<number, string>>>> = {
  level: LEVEL_NAMES,
  map: MapType,
  buffer: BufferType,
  stream: StreamType,
  metric: MetricType,
  bool: ["false", "true"],
};

/** Parameters by which others go: a value under the key `authorization` is a secret. */
const NAMING: ReadonlySet<string> = new Set(["key", "path", "name"]);

/**
 * Writes every callback, hostcall and WASI call of one instance as a readable line, with names from the tables:
 *
 *     hello#2 ==> proxy_on_request_headers(context=2, headers=5, endOfStream=true)
 *     hello#2   ==> proxy_get_header_map_value(map=HttpRequestHeaders, key=":path") <== OK "/a"
 *     hello#2 <== Continue in 0.05 ms
 *
 * Each line begins with plugin and context, so that the streams of a busy proxy can be told apart. It works by wrapping
 * functions when an instance is made; without a trace there are no wrappers.
 */
export class Tracer {
  private readonly text: TraceText;

  constructor(
    private readonly instance: Instance,
    private readonly sink: TraceSink,
  ) {
    this.text = new TraceText(sink.full ?? false);
  }

  hostcall(name: HostcallName, run: unknown): Fn {
    const row: SignatureRow = HOSTCALLS[name];
    return (...args) => {
      const { shown, known } = this.params(row.params, args);
      const status = (run as Fn)(...args);
      const results = status === Status.Ok ? this.results(row.params, args, known) : "";
      const said = status === Status.Ok ? "OK" : (Status[Number(status)] ?? status);
      this.write(`  ==> ${name}(${shown}) <== ${said}${results}`);
      return status;
    };
  }

  wasi(name: WasiName, run: unknown): Fn {
    return (...args) => {
      const shown =
        WASI[name] === "" ? "" : args.map((arg) => (typeof arg === "number" ? arg >>> 0 : arg)).join(", ");
      const errno = (run as Fn)(...args);
      this.write(`  ==> ${name}(${shown}) <== ${Errno[Number(errno)] ?? errno}`);
      return errno;
    };
  }

  callback(name: CallbackName, run: unknown): Fn {
    const row: CallbackRow = CALLBACKS[name];
    const old = this.instance.compiled.version === "0.1.0";
    const params = (old && row.params010) || row.params;
    return (...args) => {
      this.write(`==> ${name}(${this.params(params, args).shown})`);
      const began = performance.now();
      const took = () => `in ${(performance.now() - began).toFixed(2)} ms`;
      try {
        const result = (run as Fn)(...args);
        this.write(`<== ${outcome(row, result)}${took()}`);
        return result;
      } catch (error) {
        this.write(`<== trap ${took()}: ${error}`);
        throw error;
      }
    };
  }

  private write(line: string): void {
    const context = this.instance.caller;
    const plugin = context?.root.plugin;
    const who = plugin ? `${plugin.name || plugin.rootId || "plugin"}#${context.id}` : "start";
    this.sink.write(`${who} ${line}`, this.instance.current);
  }

  /** What a call is given, and the name its other values go by. Outputs show nothing yet. */
  private params(
    params: readonly Param[],
    args: readonly Value[],
  ): { shown: string; known: string | undefined } {
    const shown: string[] = [];
    let known: string | undefined;
    let at = 0;
    for (const [name, kind] of params) {
      const text = this.given(name, kind, args[at], args[at + 1], known);
      if (NAMING.has(name) && (kind === "in" || kind === "path")) known = text;
      if (text !== undefined) shown.push(`${name}=${text}`);
      at += WASM_TYPES[kind].length;
    }
    return { shown: shown.join(", "), known };
  }

  private given(
    name: string,
    kind: ParamKind,
    first: Value,
    second: Value,
    known?: string,
  ): string | undefined {
    if (kind === "out" || kind === "outPairs" || kind === "out32" || kind === "out64") return undefined;
    if (typeof first === "bigint") return String(first);
    const number = Number(first);
    if (kind === "in" || kind === "path" || kind === "pairs") {
      const size = Number(second);
      const data = this.instance.vm.memory?.copy(number, size);
      if (!data) return `<outside memory: ${size >>> 0} bytes at ${number >>> 0}>`;
      if (kind === "pairs") return this.text.pairs(data);
      if (kind === "path") return this.text.latin1(data.toString("latin1").replaceAll("\0", "."));
      return this.text.bytes(data, NAMING.has(name) ? undefined : known);
    }
    return NAMES[kind]?.[number] ?? String(number >>> 0);
  }

  /** What a successful call has stored: bare when it is one value, by names when there are more. */
  private results(params: readonly Param[], args: readonly Value[], known: string | undefined): string {
    const stored: [name: string, text: string][] = [];
    let at = 0;
    for (const [name, kind] of params) {
      const text = this.stored(kind, Number(args[at]), Number(args[at + 1]), known);
      if (text !== undefined) stored.push([name, text]);
      at += WASM_TYPES[kind].length;
    }
    if (stored.length === 1) return ` ${stored[0]![1]}`;
    return stored.map(([name, text]) => ` ${name}=${text}`).join("");
  }

  private stored(kind: ParamKind, first: number, second: number, known?: string): string | undefined {
    const { memory } = this.instance.vm;
    if (kind === "out32") return String(memory.readU32(first));
    if (kind === "out64") return String(memory.copy(first, 8)?.readBigUInt64LE());
    if (kind !== "out" && kind !== "outPairs") return undefined;
    const pointer = memory.readU32(first);
    const size = memory.readU32(second);
    const data = pointer === undefined || size === undefined ? undefined : memory.copy(pointer, size);
    if (!data) return undefined;
    // Some properties are maps.
    if (kind === "outPairs" || decodePairs(data).length > 0) return this.text.pairs(data);
    const number =
      data.length === 8 && /[^ -~]/.test(data.toString("latin1")) ? ` (${data.readBigInt64LE()})` : "";
    return this.text.bytes(data, known) + number;
  }
}

function outcome(row: CallbackRow, result: Value): string {
  if (row.result === "bool") return result ? "true " : "false ";
  if (row.result === "action") return `${["Continue", "Pause"][Number(result)] ?? result} `;
  return "";
}
