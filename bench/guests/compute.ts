import { parseJson } from "../../sdk/text/json";

/** Work without hostcalls, for the bench of --max-callback-ms. */

export function empty(): void {}

/** The least a loop can be. */
export function turns(count: i32): i32 {
  let sum = 0;
  for (let i = 0; i < count; i++) sum = (sum ^ i) + 1;
  return sum;
}

const BLOCK = memory.data(4096);

/** FNV-1a over 4 KiB, `count` times. */
export function hash(count: i32): i32 {
  let value: u32 = 2166136261;
  for (let i = 0; i < count; i++)
    for (let at = 0; at < 4096; at++) value = (value ^ load<u8>(BLOCK + at)) * 16777619;
  return value;
}

/** Nothing but calls: 1.6 times 2^`depth` of them. */
export function fibonacci(depth: i32): i32 {
  return depth < 2 ? depth : fibonacci(depth - 1) + fibonacci(depth - 2);
}

const TEXT =
  '{"rules":[{"name":"a","path":"/v1/*","methods":["GET","HEAD"],"rate":12.5},{"name":"b","deny":true}]}';

/** The SDK's reader of JSON. */
export function json(count: i32): i32 {
  let found = 0;
  for (let i = 0; i < count; i++) if (parseJson(TEXT).value !== null) found++;
  return found;
}

export function spin(): void {
  while (true) {}
}
