import { StreamContext } from "./stream-context";

/**
 * Open streams by context id: buckets of an intrusive chain. Hosts count ids upwards, so the low bits spread evenly;
 * the table doubles when it is full and a look-up stays at one or two steps with any number of open streams.
 */
let buckets = new StaticArray<StreamContext | null>(16);
let count: i32 = 0;

export function findStream(id: u32): StreamContext | null {
  let stream = unchecked(buckets[id & (buckets.length - 1)]);
  while (stream != null && stream.contextId != id) stream = stream.next;
  return stream;
}

export function addStream(stream: StreamContext): void {
  if (count == buckets.length) grow();
  count++;
  link(stream);
}

/** Forgets the stream and returns it, or null. */
export function removeStream(id: u32): StreamContext | null {
  const index = id & (buckets.length - 1);
  let before: StreamContext | null = null;
  let stream = unchecked(buckets[index]);
  while (stream != null && stream.contextId != id) {
    before = stream;
    stream = stream.next;
  }
  if (stream == null) return null;
  if (before == null) unchecked((buckets[index] = stream.next));
  else before.next = stream.next;
  count--;
  return stream;
}

function link(stream: StreamContext): void {
  const index = stream.contextId & (buckets.length - 1);
  stream.next = unchecked(buckets[index]);
  unchecked((buckets[index] = stream));
}

function grow(): void {
  const old = buckets;
  buckets = new StaticArray<StreamContext | null>(old.length << 1);
  for (let i = 0; i < old.length; i++) {
    let stream = unchecked(old[i]);
    while (stream != null) {
      const next = stream.next;
      link(stream);
      stream = next;
    }
  }
}
