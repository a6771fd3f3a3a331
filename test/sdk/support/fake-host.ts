/**
 * Just enough of a host to put bytes into a module and get them out again, for checks of the codecs and of memory.
 * How filters behave is tested on the engines.
 */
export class FakeHost {
  readonly maps: [name: Buffer, value: Buffer][][] = [[], [], [], []];
  body = Buffer.alloc(0);
  /** Answer to every pairs request instead of the map's real one. */
  rawPairs: Buffer | undefined;
  readonly log: string[] = [];
  #instance: WebAssembly.Instance | undefined;

  static async load(wasm: Uint8Array): Promise<FakeHost> {
    const host = new FakeHost();
    const env = host.#imports();
    const module = await WebAssembly.compile(wasm);
    // Whatever else a module imports answers NotFound.
    const fallback = new Proxy(env, { get: (target, name: string) => target[name] ?? (() => 1) });
    host.#instance = new WebAssembly.Instance(module, { env: fallback, wasi_snapshot_preview1: fallback });
    host.call("_initialize");
    return host;
  }

  call(name: string, ...args: number[]): number {
    return (this.#instance!.exports[name] as (...args: number[]) => number)(...args);
  }

  get memory(): Buffer {
    return Buffer.from((this.#instance!.exports.memory as WebAssembly.Memory).buffer);
  }

  get(map: number, name: string): Buffer | undefined {
    return this.maps[map]!.find(([key]) => key.toString("latin1") === name)?.[1];
  }

  #imports(): Record<string, (...args: number[]) => number> {
    const bytes = (at: number, size: number) => Buffer.from(this.memory.subarray(at, at + size));
    const give = (value: Buffer, outData: number, outSize: number) => {
      const at = value.length === 0 ? 0 : this.call("proxy_on_memory_allocate", value.length);
      value.copy(this.memory, at);
      this.memory.writeUInt32LE(at, outData);
      this.memory.writeUInt32LE(value.length, outSize);
      return 0;
    };
    return {
      proxy_log: (_level, at, size) => {
        this.log.push(bytes(at!, size!).toString());
        return 0;
      },
      proxy_get_header_map_value: (map, key, keySize, data, size) => {
        const value = this.get(map!, bytes(key!, keySize!).toString("latin1"));
        return value === undefined ? 1 : give(value, data!, size!);
      },
      proxy_add_header_map_value: (map, key, keySize, value, valueSize) => {
        this.maps[map!]!.push([bytes(key!, keySize!), bytes(value!, valueSize!)]);
        return 0;
      },
      proxy_get_header_map_pairs: (map, data, size) =>
        give(this.rawPairs ?? encodePairs(this.maps[map!]!), data!, size!),
      proxy_set_header_map_pairs: (map, at, size) => {
        this.maps[map!] = decodePairs(bytes(at!, size!));
        return 0;
      },
      proxy_get_buffer_bytes: (_type, start, max, data, size) =>
        give(this.body.subarray(start!, start! + (max! >>> 0)), data!, size!),
      proxy_set_buffer_bytes: (_type, _start, _size, at, size) => {
        this.body = bytes(at!, size!);
        return 0;
      },
      proxy_get_property: (at, n, data, size) =>
        bytes(at!, n!).toString() === "plugin_root_id" ? give(Buffer.alloc(0), data!, size!) : 1,
    };
  }
}

export function encodePairs(pairs: readonly (readonly [Buffer, Buffer])[]): Buffer {
  if (pairs.length === 0) return Buffer.alloc(0);
  const head = Buffer.alloc(4 + pairs.length * 8);
  head.writeUInt32LE(pairs.length);
  pairs.forEach(([name, value], i) => {
    head.writeUInt32LE(name.length, 4 + i * 8);
    head.writeUInt32LE(value.length, 8 + i * 8);
  });
  const zero = Buffer.alloc(1);
  return Buffer.concat([head, ...pairs.flatMap(([name, value]) => [name, zero, value, zero])]);
}

function decodePairs(block: Buffer): [Buffer, Buffer][] {
  if (block.length === 0) return [];
  const count = block.readUInt32LE();
  let at = 4 + count * 8;
  const take = (size: number) => {
    const part = block.subarray(at, at + size);
    at += size + 1;
    return part;
  };
  return Array.from({ length: count }, (_, i) => [
    take(block.readUInt32LE(4 + i * 8)),
    take(block.readUInt32LE(8 + i * 8)),
  ]);
}
