import { Bytes, SharedUpdate, Status } from "proxy-wasm-toolkit/sdk";

/** Tokens are kept in parts of one, so that a refill can be continuous. */
const PARTS: f64 = 1000000;
/** Workers that take from one bucket at the same moment try again; this often is more than any proxy has workers. */
const ATTEMPTS: i32 = 1000;

/** A token bucket as configured, and the key of its state in the shared data of all workers. */
export class TokenBucket {
  key: string = "";

  constructor(
    readonly maxTokens: u32,
    readonly tokensPerFill: u32,
    /** Nanoseconds. */
    readonly fillInterval: i64,
  ) {}

  /** Parts of a token that come in `elapsed` nanoseconds; a clock that goes back brings none. */
  refill(elapsed: i64): f64 {
    if (elapsed <= 0) return 0;
    return (<f64>elapsed / <f64>this.fillInterval) * <f64>this.tokensPerFill * PARTS;
  }

  /** Whole seconds until there is a token again. */
  secondsUntil(parts: f64): u32 {
    if (parts >= PARTS) return 0;
    const fills = (PARTS - parts) / PARTS / <f64>this.tokensPerFill;
    return <u32>ceil<f64>((fills * <f64>this.fillInterval) / 1000000000);
  }
}

/** Takes one token for a request, from the state that all workers share. */
export class Take extends SharedUpdate {
  allowed: bool = false;
  private parts: f64 = 0;

  constructor(
    readonly bucket: TokenBucket,
    private readonly now: i64,
  ) {
    super();
  }

  /** The state is the parts there are and when they were counted, 8 bytes each. Nothing yet = a full bucket. */
  next(current: Bytes | null): Bytes | null {
    const full = <f64>this.bucket.maxTokens * PARTS;
    let parts = full;
    let counted = this.now;
    if (current != null && current.length == 16) {
      counted = load<i64>(current.ptr, 8);
      parts = min(full, <f64>load<u64>(current.ptr) + this.bucket.refill(this.now - counted));
    }
    this.parts = parts;
    this.allowed = parts >= PARTS;
    // A refused request writes nothing: the refill is counted from the same moment next time.
    if (!this.allowed) return null;
    this.parts -= PARTS;
    const state = new ArrayBuffer(16);
    store<u64>(changetype<usize>(state), <u64>this.parts);
    store<i64>(changetype<usize>(state), max(this.now, counted), 8);
    return Bytes.view(state);
  }

  run(): Take {
    // When others were always faster nobody knows the state: better one request too many than the app cut off.
    if (this.apply(this.bucket.key, ATTEMPTS) != Status.Ok) this.allowed = true;
    return this;
  }

  get remaining(): u32 {
    return <u32>(this.parts / PARTS);
  }

  get reset(): u32 {
    return this.bucket.secondsUntil(this.parts);
  }
}
