import { Action, HttpFilter, registerHttp } from "proxy-wasm-toolkit/sdk";

/** Does to memory what a script in the request body says (see collector.test.ts), then tells what is reachable. */

class Knot {
  text: string = "";
  bytes: ArrayBuffer = new ArrayBuffer(0);
  links: Knot[] = [];
  map: Map<i32, string> = new Map<i32, string>();
  told: i32 = 0;

  constructor(readonly id: i32) {}
}

let made = 0;
let telling = 0;
const slots = new StaticArray<Knot | null>(16);
/** Static data that refers to objects of the heap. */
const TABLE: (Knot | null)[] = [null, null, null, null];
const raw = new StaticArray<usize>(8);
const rawSize = new StaticArray<i32>(8);
const pages: usize[] = [];
/** Addresses of knots that only a pin keeps. */
const pinned = new StaticArray<usize>(4);

function fill(size: i32, byte: i32): ArrayBuffer {
  const buffer = new ArrayBuffer(size);
  memory.fill(changetype<usize>(buffer), <u8>byte, size);
  return buffer;
}

function allAre(address: usize, size: i32, byte: i32): bool {
  for (let i = 0; i < size; i++) if (load<u8>(address + i) != <u8>byte) return false;
  return true;
}

function act(op: i32, a: i32, b: i32, c: i32): void {
  if (op == 1) slots[a & 15] = new Knot(++made);
  if (op == 2) slots[a & 15] = null;
  if (op == 3) TABLE[a & 3] = slots[b & 15];
  if (op == 4) for (let i = 0; i < b; i++) fill((c * i) % 3000, 0xdd);
  if (op == 5) {
    const at = a & 7;
    const size = (b << 5) + c;
    const old = rawSize[at];
    if (raw[at] == 0) raw[at] = heap.alloc(size);
    else if (b > 127) raw[at] = heap.realloc(raw[at], size);
    else {
      heap.free(raw[at]);
      raw[at] = heap.alloc(size);
    }
    if (b > 127 && !allAre(raw[at], min(old, size), at + 1)) abort("realloc lost its content");
    memory.fill(raw[at], <u8>(at + 1), size);
    rawSize[at] = size;
  }
  if (op == 6 && pages.length < 3) {
    const page = (<usize>memory.grow(1)) << 16;
    memory.fill(page, 0xaa, 65536);
    pages.push(page);
  }
  const knot = slots[a & 15];
  if (op == 13) {
    const at = b & 3;
    if (pinned[at] != 0) __unpin(pinned[at]);
    pinned[at] = 0;
    if (knot != null && !pinned.includes(changetype<usize>(knot)))
      pinned[at] = __pin(changetype<usize>(knot));
  }
  if (knot == null) return;
  const other = slots[b & 15];
  if (op == 7 && other != null) knot.links.push(other);
  if (op == 8) knot.links = [];
  if (op == 9) for (let i = 0; i < b; i++) knot.text += c.toString();
  if (op == 10) knot.bytes = fill(((b << 8) | c) * (a & 15), c);
  if (op == 11) knot.map.set(b & 31, `${b}:${c}`);
  if (op == 12) knot.map.delete(b & 31);
}

function tell(knot: Knot | null): string {
  if (knot == null) return "-";
  if (knot.told == telling) return `#${knot.id}`;
  knot.told = telling;
  const size = knot.bytes.byteLength;
  const base = changetype<usize>(knot.bytes);
  const whole = size == 0 || allAre(base, size, load<u8>(base));
  const keys = knot.map.keys();
  const entries: string[] = [];
  for (let i = 0; i < keys.length; i++) entries.push(`${keys[i]}=${knot.map.get(keys[i])}`);
  const links: string[] = [];
  for (let i = 0; i < knot.links.length; i++) links.push(tell(knot.links[i]));
  return `#${knot.id}(${knot.text}|${size}${whole ? "" : "!"}|${entries.join(",")}|${links.join(",")})`;
}

class Heap extends HttpFilter {
  /** A field, so that every stream has an object of its own. */
  calls: i32 = 0;

  onRequestBody(): Action {
    this.calls++;
    const script = this.request.body.bytes();
    for (let i = 0; i + 3 < script.length; i += 4)
      act(script.at(i), script.at(i + 1), script.at(i + 2), script.at(i + 3));
    telling++;
    const parts: string[] = [];
    for (let i = 0; i < slots.length; i++) parts.push(tell(slots[i]));
    for (let i = 0; i < TABLE.length; i++) parts.push(tell(TABLE[i]));
    for (let i = 0; i < pinned.length; i++) parts.push(tell(changetype<Knot | null>(pinned[i])));
    for (let i = 0; i < raw.length; i++)
      if (!allAre(raw[i], rawSize[i], i + 1)) parts.push(`raw ${i} is broken`);
    for (let i = 0; i < pages.length; i++) if (!allAre(pages[i], 65536, 0xaa)) parts.push("a page is broken");
    this.request.body.set(parts.join(";"));
    return Action.Continue;
  }
}
registerHttp<Heap>("heap");
