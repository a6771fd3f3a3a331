import { Bytes } from "proxy-wasm-toolkit/sdk";
import { Snapshot } from "./facts";
import { Series } from "./series";

/** Most keys that are remembered; with one more all are forgotten, and found again by their labels. */
const MAX_KNOWN = 4096;
const BUCKETS = 512;
/** Longer keys are not remembered. */
const MAX_SIZE = 1024;

class Known {
  constructor(
    readonly hash: u32,
    readonly key: Bytes,
    readonly peer: u32,
    readonly grpcStatus: i32,
    readonly extra: string,
    readonly series: Series,
    readonly next: Known | null,
  ) {}

  is(start: usize, size: i32, peer: u32, grpcStatus: i32, extra: string): bool {
    return (
      this.key.length == size &&
      this.peer == peer &&
      this.grpcStatus == grpcStatus &&
      memory.compare(this.key.ptr, start, <usize>size) == 0 &&
      this.extra == extra
    );
  }
}

/**
 * Series by the very bytes the proxy answered with: an exchange like one before it costs no text. Several keys may have
 * equal labels, e.g. those of hosts that a cluster's metadata stands for.
 */
export class KnownExchanges {
  private buckets: StaticArray<Known | null> = new StaticArray<Known | null>(BUCKETS);
  private count: i32 = 0;
  private last: Known | null = null;

  find(snapshot: Snapshot, peer: u32, grpcStatus: i32, extra: string): Series | null {
    const start = snapshot.bytes.ptr;
    const size = snapshot.keySize;
    // Most exchanges are like the one before.
    const last = this.last;
    if (last != null && last.is(start, size, peer, grpcStatus, extra)) return last.series;
    const hash = hashOf(start, <usize>size);
    let each = unchecked(this.buckets[hash % BUCKETS]);
    while (each != null) {
      if (each.hash == hash && each.is(start, size, peer, grpcStatus, extra)) {
        this.last = each;
        return each.series;
      }
      each = each.next;
    }
    return null;
  }

  add(snapshot: Snapshot, peer: u32, grpcStatus: i32, extra: string, series: Series): void {
    if (snapshot.keySize + extra.length > MAX_SIZE) return;
    if (this.count == MAX_KNOWN) {
      this.buckets = new StaticArray<Known | null>(BUCKETS);
      this.count = 0;
    }
    const key = Bytes.copyOf(snapshot.bytes.ptr, <usize>snapshot.keySize);
    const hash = hashOf(key.ptr, <usize>key.length);
    const index = hash % BUCKETS;
    const next = this.buckets[index];
    this.buckets[index] = new Known(hash, key, peer, grpcStatus, extra, series, next);
    this.count++;
  }
}

/** FNV-1a, four bytes at a time. */
function hashOf(start: usize, size: usize): u32 {
  let hash: u32 = 2166136261;
  let i: usize = 0;
  for (; i + 4 <= size; i += 4) hash = (hash ^ load<u32>(start + i)) * 16777619;
  for (; i < size; i++) hash = (hash ^ <u32>load<u8>(start + i)) * 16777619;
  return hash ^ (hash >> 15);
}
