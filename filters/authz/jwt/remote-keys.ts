import { HttpCall, logWarn, monotonicTime, Pairs, Status } from "proxy-wasm-toolkit/sdk";
import { FETCH_FAILED, NO_MATCHING_KEY } from "./failure";
import { Jwks } from "./jwks";
import { JwksUri } from "./jwks-uri";
import { Keys, WAIT, Waiter } from "./keys";
import { Token } from "./token";

const MILLISECOND: i64 = 1000000;
/** How long to wait before the next attempt: at first, doubled each time it brings nothing, and at most. */
const LEAST_PAUSE = 100 * MILLISECOND;
const MOST_PAUSE = 10000 * MILLISECOND;
/** More requests than that do not wait for one answer. */
const MOST_WAITERS = 1000;

/**
 * Keys from the issuer's server. They are fetched when a token first needs them and when they are too old; all requests wait for
 * the same answer. A token whose key id they do not have makes them be fetched early: the issuer may have a new key. What
 * brings nothing is not tried again at once.
 */
export class RemoteKeys extends Keys {
  private jwks: Jwks | null = null;
  private text: string = "";
  private validUntil: i64 = 0;
  private quietUntil: i64 = 0;
  private pause: i64 = LEAST_PAUSE;
  private fetching: bool = false;
  private waiters: Waiter[] = [];

  /** `lifetime` is in nanoseconds, `timeout` in milliseconds. */
  constructor(
    private readonly uri: JwksUri,
    private readonly cluster: string,
    private readonly timeout: u32,
    private readonly lifetime: i64,
  ) {
    super();
  }

  failure(token: Token, waiter: Waiter): string {
    const now = monotonicTime();
    const jwks = this.jwks;
    if (jwks == null || now >= this.validUntil) return this.waits(waiter, now) ? WAIT : FETCH_FAILED;
    const failure = jwks.failure(token);
    const mayBeNew = failure == NO_MATCHING_KEY && token.keyId != "";
    return mayBeNew && this.waits(waiter, now) ? WAIT : failure;
  }

  /** Queues the waiter, and sees to it that an answer is on its way; false when none will be. */
  private waits(waiter: Waiter, now: i64): bool {
    if (this.waiters.length >= MOST_WAITERS) return false;
    if (!this.fetching) {
      if (now < this.quietUntil) return false;
      const request = new Pairs()
        .add(":method", "GET")
        .add(":path", this.uri.path)
        .add(":authority", this.uri.authority);
      const status = new Fetch(this).send(waiter.asker(), this.cluster, request, null, this.timeout);
      if (status != Status.Ok) {
        this.bringsNothing(`cannot be asked for: ${status}`);
        return false;
      }
      this.fetching = true;
    }
    this.waiters.push(waiter);
    return true;
  }

  /** The server's answer. */
  take(status: i32, text: string): void {
    const jwks = status == 200 ? new Jwks(text) : null;
    if (jwks == null) this.bringsNothing(`answered with status ${status}`);
    else if (jwks.error != "") this.bringsNothing(jwks.error);
    else this.use(jwks, text);
    this.fetching = false;
    const waiters = this.waiters;
    this.waiters = [];
    for (let i = 0; i < waiters.length; i++) waiters[i].resume();
  }

  private use(jwks: Jwks, text: string): void {
    for (let i = 0; i < jwks.problems.length; i++) logWarn(`${this.uri.text}: ${jwks.problems[i]}`);
    const now = monotonicTime();
    const news = this.jwks == null || text != this.text;
    this.jwks = jwks;
    this.text = text;
    this.validUntil = now + this.lifetime;
    if (news) this.pause = LEAST_PAUSE;
    this.rest();
  }

  private bringsNothing(why: string): void {
    logWarn(`${this.uri.text}: ${why}`);
    this.rest();
  }

  private rest(): void {
    this.quietUntil = monotonicTime() + this.pause;
    this.pause = min(this.pause * 2, MOST_PAUSE);
  }
}

class Fetch extends HttpCall {
  constructor(private readonly keys: RemoteKeys) {
    super();
  }

  onResponse(): void {
    const status = this.status;
    this.keys.take(status, status == 200 ? this.body.text() : "");
  }

  onFailure(): void {
    this.keys.take(0, "");
  }
}
