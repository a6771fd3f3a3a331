import {
  Action,
  Bytes,
  currentTime,
  HttpFilter,
  Pairs,
  RootContext,
  registerHttp,
  SharedUpdate,
  Status,
} from "proxy-wasm-toolkit/sdk";
import { decimal } from "proxy-wasm-toolkit/sdk/text/ascii";
import { parseDuration } from "proxy-wasm-toolkit/sdk/text/duration";
import { Fields } from "proxy-wasm-toolkit/sdk/text/fields";

const KNOWN: string[] = ["limit", "window"];

/** `{"limit": 100, "window": "1m"}` */
class Limits extends RootContext {
  limit: i32 = 0;
  /** Nanoseconds. */
  window: i64 = 0;

  onConfigure(config: string): string | null {
    const fields = new Fields();
    const root = fields.parse(config, KNOWN);
    if (root == null) return fields.refusal;
    this.limit = fields.integer(root.get("limit"), "limit", 1, 1000000);
    this.window = parseDuration(fields.text(root.get("window"), "window"));
    if (this.window < 1000000000) fields.fail("window", "expected a duration of at least 1s");
    return fields.refusal;
  }
}

/**
 * Counts a request of one key in the current window. All workers of the proxy count in the same shared data, so another
 * one may come between reading and writing: `apply` then calls `next` again.
 */
class Count extends SharedUpdate {
  /** Requests of this window, this one included. */
  used: i32 = 0;

  constructor(private window: i64) {
    super();
  }

  /** `<window> <count>`; the count of an old window starts anew. */
  next(current: Bytes | null): Bytes | null {
    const parts = (current == null ? "" : current.toString()).split(" ");
    const window = this.window.toString();
    this.used = parts.length == 2 && parts[0] == window ? max(decimal(parts[1]), 0) + 1 : 1;
    return Bytes.of(`${window} ${this.used}`);
  }
}

/** Lets each API key (or, without one, each address) make so many requests in a window of time. */
class RateLimit extends HttpFilter {
  private left: i32 = -1;

  onRequestHeaders(): Action {
    const limits = this.root as Limits;
    const now = currentTime();
    const count = new Count(now / limits.window);
    if (count.apply(`rate ${this.key()}`) != Status.Ok) return Action.Continue; // too busy to count: let it pass
    this.left = limits.limit - count.used;
    if (this.left >= 0) return Action.Continue;
    const wait = (limits.window - (now % limits.window)) / 1000000000 + 1;
    return this.sendLocalResponse(
      429,
      "too many requests\n",
      new Pairs().add("retry-after", wait.toString()),
      -1,
      "rate_limited",
    );
  }

  onResponseHeaders(): Action {
    if (this.left >= 0) this.response.headers.add("x-ratelimit-remaining", this.left.toString());
    return Action.Continue;
  }

  private key(): string {
    const key = this.request.headers.joined("x-api-key");
    if (key != null) return `key ${key}`;
    const address = this.connection.sourceAddress || "";
    return `address ${address.substring(0, max(address.lastIndexOf(":"), 0))}`;
  }
}
registerHttp<RateLimit, Limits>("rate-limit");
