import { MAX_PAIRS, MAX_PAIRS_BYTES } from "../../sdk/abi/limits";

/**
 * The wire form of a list of pairs: count, then each pair's two lengths, then key NUL value NUL, all little-endian u32.
 * An empty list is four zero bytes; hostcalls send no bytes at all instead.
 */
export function encodePairs(pairs: Iterable<readonly [string | Buffer, string | Buffer]>): Buffer {
  const list = [...pairs];
  let size = 4 + 8 * list.length;
  for (const [key, value] of list) size += key.length + value.length + 2;
  const out = Buffer.alloc(size);
  out.writeUInt32LE(list.length, 0);
  let head = 4;
  let at = 4 + 8 * list.length;
  const put = (part: string | Buffer) => {
    head = out.writeUInt32LE(part.length, head);
    if (typeof part === "string") out.write(part, at, "latin1");
    else part.copy(out, at);
    at += part.length + 1;
  };
  for (const [key, value] of list) {
    put(key);
    put(value);
  }
  return out;
}

/** Reads a pairs block as Envoy does: anything malformed or over the limits is an empty list. */
export function decodePairs(data: Buffer): [string, string][] {
  if (data.length < 4 || data.length > MAX_PAIRS_BYTES) return [];
  const count = data.readUInt32LE(0);
  if (count > MAX_PAIRS || 4 + 8 * count > data.length) return [];
  const pairs: [string, string][] = [];
  let at = 4 + 8 * count;
  const take = (size: number): string | undefined => {
    if (at + size + 1 > data.length || data[at + size] !== 0) return undefined;
    const text = data.toString("latin1", at, at + size);
    at += size + 1;
    return text;
  };
  for (let i = 0; i < count; i++) {
    const key = take(data.readUInt32LE(4 + 8 * i));
    const value = key === undefined ? undefined : take(data.readUInt32LE(8 + 8 * i));
    if (key === undefined || value === undefined) return [];
    pairs.push([key, value]);
  }
  return at === data.length ? pairs : [];
}
