import { StreamContext } from "./stream-context";

/**
 * Open streams by context id: buckets of an intrusive chain. Hosts count ids upwards, so the low bits spread evenly;
 * the table doubles when it is full and a look-up stays at one or two steps with any number of open streams.
 */
let buckets: StaticArray<StreamContext | null> = changetype<StaticArray<StreamContext | null>>(0);
let capacity: u32 = 0;
let count: u32 = 0;

const FIRST_CAPACITY: u32 = 16;

export function findStream(id: u32): StreamContext | null {
  if (count == 0) return null;
  let stream = unchecked(buckets[id & (capacity - 1)]);
  while (stream != null && stream.contextId != id) stream = stream.next;
  return stream;
}

export function addStream(stream: StreamContext): void {
  if (count == capacity) grow();
  count++;
  link(stream);
}

/** Forgets the stream and returns it, or null. */
export function removeStream(id: u32): StreamContext | null {
  if (count == 0) return null;
  const index = id & (capacity - 1);
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
  const index = stream.contextId & (capacity - 1);
  stream.next = unchecked(buckets[index]);
  unchecked((buckets[index] = stream));
}

function grow(): void {
  const old = buckets;
  const size = capacity;
  capacity = size == 0 ? FIRST_CAPACITY : size << 1;
  buckets = new StaticArray<StreamContext | null>(capacity);
  for (let i: u32 = 0; i < size; i++) {
    let stream = unchecked(old[i]);
    while (stream != null) {
      const next = stream.next;
      link(stream);
      stream = next;
    }
  }
}
