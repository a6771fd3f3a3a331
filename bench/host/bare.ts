import type { Subject } from "../support/rounds";

const VALUE = Buffer.from("Mozilla/5.0 (X11; Linux x86_64)");

type Fn = (...args: number[]) => number;

/**
 * The yardstick: the wasm calls of one hello stream with the cheapest imports that keep a guest going. No contexts, no
 * header maps, no rules; a read header is always the same bytes, an added one is ignored.
 */
export function bareLoop(name: string, wasm: Uint8Array<ArrayBuffer>): Subject {
  const module = new WebAssembly.Module(wasm);
  let memory: WebAssembly.Memory;
  let allocate: Fn;
  let bytes = new Uint8Array();
  let view = new DataView(bytes.buffer);

  const get = (_map: number, _key: number, _keySize: number, pointerAt: number, sizeAt: number) => {
    const pointer = allocate(VALUE.length);
    if (view.buffer !== memory.buffer) {
      bytes = new Uint8Array(memory.buffer);
      view = new DataView(memory.buffer);
    }
    bytes.set(VALUE, pointer);
    view.setUint32(pointerAt, pointer, true);
    view.setUint32(sizeAt, VALUE.length, true);
    return 0;
  };

  const imports: WebAssembly.Imports = {};
  for (const { module: from, name: field } of WebAssembly.Module.imports(module)) {
    // Whatever else is called at the start finds nothing.
    const found = { proxy_get_header_map_value: get, proxy_add_header_map_value: () => 0 }[field];
    imports[from] = { ...imports[from], [field]: found ?? (() => 1) };
  }
  const exports = new WebAssembly.Instance(module, imports).exports;
  memory = exports.memory as WebAssembly.Memory;
  allocate = (exports.malloc ?? exports.proxy_on_memory_allocate) as Fn;
  const call = (callback: string) => (exports[callback] ?? (() => 0)) as Fn;
  call("_initialize")();
  call("proxy_on_context_create")(1, 0);
  call("proxy_on_vm_start")(1, 0);
  call("proxy_on_configure")(1, 0);
  const create = call("proxy_on_context_create");
  const request = call("proxy_on_request_headers");
  const response = call("proxy_on_response_headers");
  const [log, done, remove] = [call("proxy_on_log"), call("proxy_on_done"), call("proxy_on_delete")];
  return {
    name,
    run(count) {
      for (let id = 2; id < count + 2; id++) {
        create(id, 1);
        request(id, 8, 1);
        response(id, 5, 0);
        log(id);
        done(id);
        remove(id);
      }
    },
  };
}
