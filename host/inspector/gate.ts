import type { HeaderMap } from "../stores/header-map";
import type { FilterCallbacks, FilterFactory, HeldBody, LocalReply } from "../stream/filter";

/** Details of the answer to a stream whose VM has failed. */
const FAILED = "wasm_fail_stream";

/** What a gate asks. */
export interface GateKeeper {
  answered(filter: string, reply: LocalReply): void;
  /** May keep the answer to a trap back, and send it later; false = it goes at once. */
  hold(send: () => void): boolean;
}

/** Stands between a filter and its chain, to see the answers a filter makes. */
class Gate implements FilterCallbacks {
  constructor(
    private readonly inner: FilterCallbacks,
    private readonly filter: string,
    private readonly keeper: GateKeeper,
  ) {}

  sendLocalReply(reply: LocalReply): void {
    this.keeper.answered(this.filter, reply);
    const send = () => this.inner.sendLocalReply(reply);
    if (reply.details !== FAILED || !this.keeper.hold(send)) send();
  }

  answer(headers: HeaderMap, details: string): void {
    this.inner.answer(headers, details);
  }

  get info(): FilterCallbacks["info"] {
    return this.inner.info;
  }
  get requestBody(): HeldBody {
    return this.inner.requestBody;
  }
  get responseBody(): HeldBody {
    return this.inner.responseBody;
  }
  continueDecoding(): void {
    this.inner.continueDecoding();
  }
  continueEncoding(): void {
    this.inner.continueEncoding();
  }
  resetStream(details: string): void {
    this.inner.resetStream(details);
  }
  clearRouteCache(): void {
    this.inner.clearRouteCache();
  }
  addRequestTrailers(): HeaderMap {
    return this.inner.addRequestTrailers();
  }
  addResponseTrailers(): HeaderMap {
    return this.inner.addResponseTrailers();
  }
}

/** The same filter behind a gate. */
export function gated(factory: FilterFactory, keeper: GateKeeper): FilterFactory {
  return {
    name: factory.name,
    create: (callbacks) => factory.create(new Gate(callbacks, factory.name, keeper)),
  };
}
