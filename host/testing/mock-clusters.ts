import type { HttpCaller, HttpCallRequest, HttpCallResponse } from "../context/http-caller";
import { localAnswer, RESET_TEXT, TIMEOUT_TEXT } from "../context/local-answer";
import { HeaderMap } from "../stores/header-map";
import { bytesOf, type HeadersInit, HeaderView, headerPairs } from "./headers";
import type { VirtualClock } from "./virtual-clock";

/** What a mock cluster does with a call. */
export type MockAnswer =
  | {
      status: number;
      headers?: HeadersInit;
      /** Text is sent as UTF-8. */
      body?: string | Uint8Array;
      trailers?: HeadersInit;
      /** Milliseconds of virtual time before the answer; past the call's own timeout, the timeout comes first. */
      afterMs?: number;
    }
  | {
      /**
       * `refused`: no connection, 503. `reset`: the connection ends before an answer, 503. `cut`: it ends inside the
       * answer's body, so that the guest gets no answer at all. `timeout`: nothing comes; the call's timeout ends it.
       */
      failure: "refused" | "reset" | "cut" | "timeout";
      afterMs?: number;
    };

/** Answers calls to one cluster; undefined leaves the call open, for {@link MockCall.answer} later. */
export type MockHandler = (call: MockCall) => MockAnswer | undefined;

/** The reset reasons of a local 503, in Envoy's words. */
const REASONS = {
  refused: "remote connection failure",
  reset: "connection termination",
} as const;

/** One `proxy_http_call` of a guest. */
export class MockCall {
  readonly headers: HeaderView;
  readonly trailers: HeaderView | undefined;
  readonly body: Buffer;
  /** Milliseconds; 0 = none. */
  readonly timeoutMs: number;
  #done: ((response: HttpCallResponse | undefined) => void) | undefined;
  readonly #clock: VirtualClock;

  constructor(
    readonly cluster: string,
    request: HttpCallRequest,
    clock: VirtualClock,
    done: (response: HttpCallResponse | undefined) => void,
  ) {
    this.headers = new HeaderView(request.headers);
    this.trailers = request.trailers && new HeaderView(request.trailers);
    this.body = request.body;
    this.timeoutMs = request.timeoutMs;
    this.#clock = clock;
    this.#done = done;
    if (this.timeoutMs > 0)
      clock.setTimer(this.timeoutMs, () => this.#finish(localAnswer(504, TIMEOUT_TEXT)));
  }

  get method(): string {
    return this.headers.get(":method")!;
  }

  get path(): string {
    return this.headers.get(":path")!;
  }

  /** The body read as UTF-8. */
  get text(): string {
    return this.body.toString();
  }

  /** Neither answered, nor timed out, nor cancelled. */
  get open(): boolean {
    return this.#done !== undefined;
  }

  /** Answers an open call; it reaches the guest when the host next settles. */
  answer(answer: MockAnswer): void {
    if (!this.open) throw new Error(`${this} is over already`);
    const { afterMs = 0 } = answer;
    if ("failure" in answer && answer.failure === "timeout") return;
    const send = () => this.#finish(response(answer));
    if (afterMs > 0) this.#clock.setTimer(afterMs, send);
    else this.#clock.soon(send);
  }

  /** @internal The guest's side has ended it. */
  cancel(): void {
    this.#done = undefined;
  }

  #finish(response: HttpCallResponse | undefined): void {
    const done = this.#done;
    this.#done = undefined;
    done?.(response);
  }

  toString(): string {
    return `call to "${this.cluster}": ${this.method} ${this.path}`;
  }
}

function response(answer: MockAnswer): HttpCallResponse | undefined {
  if ("failure" in answer) {
    if (answer.failure === "cut" || answer.failure === "timeout") return undefined;
    return localAnswer(503, RESET_TEXT + REASONS[answer.failure]);
  }
  const headers = HeaderMap.of("response", [[":status", String(answer.status)]]);
  for (const [name, value] of headerPairs(answer.headers)) headers.append(name, value);
  const trailers = answer.trailers && HeaderMap.of("response-trailers", headerPairs(answer.trailers));
  return { headers, body: bytesOf(answer.body ?? ""), trailers };
}

/** The clusters that filters under test can call. */
export class MockClusters implements HttpCaller {
  readonly calls: MockCall[] = [];
  /** Names of clusters that were called and that nobody mocked. */
  readonly unknown: string[] = [];
  readonly #handlers = new Map<string, MockHandler | "no host">();

  constructor(private readonly clock: VirtualClock) {}

  set(name: string, handler: MockHandler | MockAnswer | "no host"): void {
    this.#handlers.set(name, typeof handler === "object" ? () => handler : handler);
  }

  hasCluster(name: string): boolean {
    const known = this.#handlers.has(name);
    if (!known) this.unknown.push(name);
    return known;
  }

  call(
    cluster: string,
    request: HttpCallRequest,
    onDone: (response: HttpCallResponse | undefined) => void,
  ): { cancel(): void } | undefined {
    const handler = this.#handlers.get(cluster)!;
    if (handler === "no host") return undefined;
    const call = new MockCall(cluster, request, this.clock, onDone);
    this.calls.push(call);
    // Not before the hostcall has returned.
    this.clock.soon(() => {
      const answer = call.open ? handler(call) : undefined;
      if (answer) call.answer(answer);
    });
    return call;
  }

  get open(): MockCall[] {
    return this.calls.filter((call) => call.open);
  }
}
