import { monotonicTime, Pairs } from "proxy-wasm-toolkit/sdk";
import { RateLimit } from "./actions";
import { Take, TokenBucket } from "./bucket";
import { RequestFacts } from "./request";

/** A descriptor with a bucket of its own. */
export class LimitedDescriptor {
  constructor(
    readonly text: string,
    readonly bucket: TokenBucket,
  ) {}
}

/** Everything a configuration says. */
export class Limits {
  statPrefix: string = "";
  status: u32 = 429;
  /** -1 = derived from the status. */
  grpcStatus: i32 = -1;
  /** Parts of a million. */
  enabledChance: u32 = 1000000;
  enforcedChance: u32 = 1000000;
  readonly responseHeaders: Pairs = new Pairs();
  bucket: TokenBucket | null = null;
  readonly descriptors: LimitedDescriptor[] = [];
  readonly rateLimits: RateLimit[] = [];
  alwaysDefault: bool = true;
  rateLimitHeaders: bool = false;

  /** Takes the request's tokens: of each descriptor it has, then of the default bucket. Null = nothing limits it. */
  take(request: RequestFacts): Take | null {
    const now = monotonicTime();
    let first: Take | null = null;
    const matched = this.matching(request);
    for (let i = 0; i < matched.length; i++) {
      const taken = new Take(matched[i], now).run();
      if (!taken.allowed) return taken;
      if (first == null) first = taken;
    }
    const bucket = this.bucket;
    if (bucket == null || (first != null && !this.alwaysDefault)) return first;
    const taken = new Take(bucket, now).run();
    return first == null || !taken.allowed ? taken : first;
  }

  /** Buckets of the request's descriptors, the slowest to fill first. */
  private matching(request: RequestFacts): TokenBucket[] {
    const found: TokenBucket[] = [];
    for (let i = 0; i < this.rateLimits.length; i++) {
      const text = this.rateLimits[i].descriptor(request);
      if (text == null) continue;
      for (let k = 0; k < this.descriptors.length; k++) {
        if (this.descriptors[k].text == text) found.push(this.descriptors[k].bucket);
      }
    }
    return found;
  }
}
