import { fileURLToPath } from "node:url";
import { buildModule } from "../../../host/build/index";
import { encodePairs } from "../../sdk/support/fake-host";

/** A header list as bytes: one character a byte. */
export type Headers = readonly (readonly [name: string, value: string])[];

export interface LocalReply {
  status: number;
  details: string;
  body: string;
  grpcStatus: number;
}

type Exports = Record<string, (...args: number[]) => number>;

const ROOT = 1;
const CONTINUE = 0;
const modules = new Map<string, Promise<Uint8Array<ArrayBuffer>>>();

/** The module of a ready-made filter. */
export function moduleOf(filter: string): Promise<Uint8Array<ArrayBuffer>> {
  let module = modules.get(filter);
  if (!module) {
    const entry = fileURLToPath(new URL(`../../../filters/${filter}/index.ts`, import.meta.url));
    module = buildModule({ entry }).then(({ wasm }) => new Uint8Array(wasm));
    modules.set(filter, module);
  }
  return module;
}

/**
 * One ready-made filter in a host of a few lines: for what its configuration says, for arithmetic, and for looking for
 * traps (they throw). How filters act on traffic is tested on the engines.
 */
export class FilterHost {
  readonly log: string[] = [];
  /** Property paths, segments joined with dots. */
  readonly properties = new Map<string, Buffer>([["plugin_root_id", Buffer.alloc(0)]]);
  /** Values of counters, and of what histograms recorded, by name. */
  readonly metrics = new Map<string, bigint[]>();
  /** What `random_get` gives, 8 bytes at a time. */
  random: () => bigint = () => 0n;
  /** Nanoseconds on both clocks. */
  now = 1_000_000_000n;
  tickPeriod = 0;
  /** Streams that were let go since the last look. */
  readonly resumed: number[] = [];
  reply: LocalReply | undefined;
  #request: Headers = [];
  #response: Headers = [];
  #config = Buffer.alloc(0);
  #effective = 0;
  #next = 2;
  readonly #streams = new Set<number>();
  readonly #names: string[] = [];
  #exports: Exports = {};

  static async load(filter: string): Promise<FilterHost> {
    const host = new FilterHost();
    const module = await WebAssembly.compile(await moduleOf(filter));
    const imports = new Proxy(host.#imports(), { get: (target, name: string) => target[name] ?? (() => 1) });
    const { exports } = new WebAssembly.Instance(module, { env: imports, wasi_snapshot_preview1: imports });
    host.#exports = exports as unknown as Exports;
    host.#exports._initialize!();
    return host;
  }

  /** A host whose filter has accepted this configuration. */
  static async with(filter: string, config: unknown): Promise<FilterHost> {
    const host = await FilterHost.load(filter);
    const refusal = host.configure(JSON.stringify(config));
    if (refusal !== undefined) throw new Error(refusal);
    return host;
  }

  #call(name: string, ...args: number[]): number {
    return this.#exports[name]?.(...args) ?? 0;
  }

  /** Hands over a configuration; undefined = accepted, else the reason that was logged. */
  configure(config: string | Buffer): string | undefined {
    this.#config = Buffer.from(config);
    this.#call("proxy_on_context_create", ROOT, 0);
    this.#call("proxy_on_vm_start", ROOT, 0);
    if (this.#call("proxy_on_configure", ROOT, this.#config.length)) return undefined;
    return this.log.at(-1) ?? "refused without a word";
  }

  /** Starts a stream. True = it goes on, false = it is held back or answered (`reply`). */
  requestHeaders(headers: Headers, id = this.#next++): boolean {
    this.reply = undefined;
    this.#request = headers;
    this.#streams.add(id);
    this.#call("proxy_on_context_create", id, ROOT);
    return (
      this.#callback(() => this.#call("proxy_on_request_headers", id, headers.length, 1), id) === CONTINUE
    );
  }

  /** The newest stream. */
  get stream(): number {
    return this.#next - 1;
  }

  /** Ends a stream: log, done, delete. */
  end(response: Headers = [], id = this.stream): void {
    this.#response = response;
    for (const name of ["log", "done", "delete"])
      this.#callback(() => this.#call(`proxy_on_${name}`, id), id);
    this.#streams.delete(id);
  }

  /** The timer comes round, `ms` later. */
  tick(ms: number): void {
    this.now += BigInt(ms) * 1_000_000n;
    this.#callback(() => this.#call("proxy_on_tick", ROOT), ROOT);
  }

  #callback(run: () => number, id: number): number {
    this.#effective = id;
    return run();
  }

  get #memory(): Buffer {
    return Buffer.from((this.#exports.memory as unknown as WebAssembly.Memory).buffer);
  }

  /** Bytes of the guest's memory. */
  get memorySize(): number {
    return this.#memory.length;
  }

  #bytes(at: number, size: number): Buffer {
    return Buffer.from(this.#memory.subarray(at, at + size));
  }

  #text(at: number, size: number): string {
    return this.#bytes(at, size).toString("latin1");
  }

  #give(value: Buffer, outData: number, outSize: number): number {
    const at = value.length === 0 ? 0 : this.#call("proxy_on_memory_allocate", value.length);
    value.copy(this.#memory, at);
    this.#memory.writeUInt32LE(at, outData);
    this.#memory.writeUInt32LE(value.length, outSize);
    return 0;
  }

  #map(type: number): Headers {
    return type === 0 ? this.#request : type === 2 ? this.#response : [];
  }

  #imports(): Record<string, (...args: never[]) => number> {
    return {
      proxy_log: (_level: number, at: number, size: number) => {
        this.log.push(this.#bytes(at, size).toString());
        return 0;
      },
      proxy_get_log_level: (out: number) => {
        this.#memory.writeUInt32LE(1, out);
        return 0;
      },
      proxy_get_buffer_bytes: (type: number, start: number, max: number, data: number, size: number) =>
        this.#give(
          type === 7 ? this.#config.subarray(start, start + (max >>> 0)) : Buffer.alloc(0),
          data,
          size,
        ),
      proxy_get_header_map_value: (
        type: number,
        key: number,
        keySize: number,
        data: number,
        size: number,
      ) => {
        const name = this.#text(key, keySize);
        const found = this.#map(type).find(([each]) => each === name);
        return found ? this.#give(Buffer.from(found[1], "latin1"), data, size) : 1;
      },
      proxy_get_header_map_pairs: (type: number, data: number, size: number) => {
        const bytes = (text: string) => Buffer.from(text, "latin1");
        return this.#give(encodePairs(this.#map(type).map(([n, v]) => [bytes(n), bytes(v)])), data, size);
      },
      proxy_get_property: (at: number, n: number, data: number, size: number) => {
        const value = this.properties.get(this.#text(at, n).replaceAll("\0", "."));
        return value ? this.#give(value, data, size) : 1;
      },
      proxy_send_local_response: (
        status: number,
        ...[details, detailsSize, body, bodySize, , , grpcStatus]: number[]
      ) => {
        this.reply = {
          status,
          details: this.#text(details!, detailsSize!),
          body: this.#text(body!, bodySize!),
          grpcStatus: grpcStatus!,
        };
        return 0;
      },
      proxy_continue_stream: () => {
        this.resumed.push(this.#effective);
        return 0;
      },
      proxy_set_effective_context: (id: number) => {
        if (id !== 0 && id !== ROOT && !this.#streams.has(id)) return 2;
        this.#effective = id;
        return 0;
      },
      proxy_set_tick_period_milliseconds: (ms: number) => {
        this.tickPeriod = ms;
        return 0;
      },
      proxy_define_metric: (_type: number, at: number, size: number, out: number) => {
        this.#names.push(this.#text(at, size));
        this.#memory.writeUInt32LE(this.#names.length, out);
        return 0;
      },
      proxy_increment_metric: (id: number, delta: bigint) => this.#count(id, delta),
      proxy_record_metric: (id: number, value: bigint) => this.#count(id, value),
      random_get: (at: number, size: number) => {
        const memory = this.#memory;
        for (let i = 0; i + 8 <= size; i += 8) memory.writeBigUInt64LE(this.random(), at + i);
        return 0;
      },
      clock_time_get: (_id: number, _precision: bigint, out: number) => {
        this.#memory.writeBigInt64LE(this.now, out);
        return 0;
      },
    };
  }

  #count(id: number, value: bigint): number {
    const name = this.#names[id - 1]!;
    this.metrics.set(name, [...(this.metrics.get(name) ?? []), value]);
    return 0;
  }
}
