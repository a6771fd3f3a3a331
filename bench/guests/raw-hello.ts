import { proxy_add_header_map_value as add, proxy_get_header_map_value as get } from "../../sdk/env";

/** examples/hello by hand: raw imports, static buffers, no allocation, and the exports of the SDK's module. */

const UA = memory.data<u8>([0x75, 0x73, 0x65, 0x72, 0x2d, 0x61, 0x67, 0x65, 0x6e, 0x74]);
const UA_LEN = memory.data<u8>([0x78, 0x2d, 0x75, 0x61, 0x2d, 0x6c, 0x65, 0x6e]);
const HELLO = memory.data<u8>([0x78, 0x2d, 0x68, 0x65, 0x6c, 0x6c, 0x6f]);
const WORLD = memory.data<u8>([0x77, 0x6f, 0x72, 0x6c, 0x64]);
/** What the host stores: a pointer and a length. */
const OUT = memory.data(8, 4);
/** Every value the host hands over goes here. */
const VALUE = memory.data(4096);
const DIGITS = memory.data(16);

export function proxy_abi_version_0_2_1(): void {}

export function proxy_on_memory_allocate(size: usize): usize {
  return size <= 4096 ? VALUE : 0;
}

export function proxy_on_vm_start(_context: u32, _size: u32): u32 {
  return 1;
}

export function proxy_on_request_headers(_context: u32, _headers: u32, _end: u32): u32 {
  let length: u32 = get(0, UA, 10, OUT, OUT + 4) == 0 ? load<u32>(OUT + 4) : 0;
  let at = DIGITS + 16;
  do {
    store<u8>(--at, 0x30 + (length % 10));
    length /= 10;
  } while (length > 0);
  add(0, UA_LEN, 8, at, DIGITS + 16 - at);
  return 0;
}

export function proxy_on_response_headers(_context: u32, _headers: u32, _end: u32): u32 {
  add(2, HELLO, 7, WORLD, 5);
  return 0;
}
