import type { GrpcCaller, GrpcEvents, GrpcExchange, GrpcRequest } from "../context/grpc-caller";
import { encodeGrpcMessage, localGrpcAnswer, RESET_TEXT, TIMEOUT_TEXT } from "../context/local-answer";
import { HeaderMap } from "../stores/header-map";
import { bytesOf, type HeadersInit, HeaderView, headerPairs } from "./headers";
import type { VirtualClock } from "./virtual-clock";

/** What a mock service does with a call or a stream. */
export type MockGrpcAnswer =
  | {
      /** Text is sent as UTF-8. */
      message?: string | Uint8Array;
      /** Several, in place of `message`; a call takes the last. */
      messages?: readonly (string | Uint8Array)[];
      /** gRPC status, default 0. */
      status?: number;
      /** The status's text. */
      details?: string;
      initialMetadata?: HeadersInit;
      trailingMetadata?: HeadersInit;
      /** Milliseconds of virtual time before the answer; past a call's own timeout, the timeout comes first. */
      afterMs?: number;
    }
  | {
      /**
       * `refused`: no connection. `reset`: the connection ends before an answer. `cut`: it ends after the head.
       * `timeout`: nothing comes; the call's timeout ends it.
       */
      failure: "refused" | "reset" | "cut" | "timeout";
      afterMs?: number;
    };

/** Answers a call once its message is there, a stream once it is open; undefined leaves it to {@link MockGrpcCall}. */
export type MockGrpcHandler = (call: MockGrpcCall) => MockGrpcAnswer | undefined;

/** Why the proxy gives up, in Envoy's words: the text, and the details behind it. */
const BEFORE = "upstream_reset_before_response_started";
const FAILURES = {
  refused: [
    "remote connection failure",
    `${BEFORE}{remote_connection_failure|delayed_connect_error:_Connection_refused}`,
  ],
  reset: ["connection termination", `${BEFORE}{connection_termination}`],
} as const;

const INTERNAL = 13;

/** One `proxy_grpc_call` or `proxy_grpc_stream` of a guest, seen from the service. */
export class MockGrpcCall {
  readonly cluster: string;
  readonly service: string;
  readonly method: string;
  readonly metadata: HeaderView;
  /** Milliseconds; 0 = none. */
  readonly timeoutMs: number;
  /** One message each way. */
  readonly unary: boolean;
  /** What the guest has sent. */
  readonly messages: Buffer[] = [];
  /** The guest has ended its side. */
  ended = false;
  /** The guest has given it up. */
  cancelled = false;
  #events: GrpcEvents | undefined;
  #begun = false;
  readonly #clock: VirtualClock;

  constructor(
    { target, service, method, metadata, timeoutMs }: GrpcRequest,
    events: GrpcEvents,
    clock: VirtualClock,
  ) {
    this.cluster = target.cluster;
    this.service = service;
    this.method = method;
    this.metadata = new HeaderView(metadata);
    this.timeoutMs = timeoutMs ?? 0;
    this.unary = timeoutMs !== undefined;
    this.#events = events;
    this.#clock = clock;
    if (this.timeoutMs > 0)
      clock.setTimer(this.timeoutMs, () => this.#giveUp(504, TIMEOUT_TEXT, "response_timeout"));
  }

  /** Neither over nor cancelled. */
  get open(): boolean {
    return this.#events !== undefined;
  }

  /** The message of a call, the first of a stream, read as UTF-8. */
  get text(): string {
    return this.messages[0]?.toString() ?? "";
  }

  toString(): string {
    return `gRPC ${this.unary ? "call" : "stream"} to "${this.cluster}": ${this.service}/${this.method}`;
  }

  // --- what the service does; it reaches the guest when the host next settles

  /** The head; without it an empty one goes before the first message. */
  begin(metadata: HeadersInit = {}): void {
    this.#begun = true;
    const head = HeaderMap.of("response", [
      [":status", "200"],
      ["content-type", "application/grpc"],
      ...headerPairs(metadata),
    ]);
    this.#soon((events) => events.onInitialMetadata(head));
  }

  reply(message: string | Uint8Array): void {
    if (!this.#begun) this.begin();
    this.#soon((events) => events.onMessage(bytesOf(message)));
  }

  end(status = 0, details = "", metadata: HeadersInit = {}): void {
    if (!this.#begun) this.begin();
    const message = encodeGrpcMessage(bytesOf(details).toString("latin1"));
    const trailers = HeaderMap.of("response-trailers", [["grpc-status", String(status)]]);
    if (message !== "") trailers.append("grpc-message", message);
    for (const [name, value] of headerPairs(metadata)) trailers.append(name, value);
    this.#soon((events) => {
      events.onTrailingMetadata(trailers);
      this.#close(status, message === "" ? "via_upstream" : `${message}{via_upstream}`);
    });
  }

  /** A whole answer at once. */
  answer(answer: MockGrpcAnswer): void {
    if (!this.open) throw new Error(`${this} is over already`);
    const { afterMs = 0 } = answer;
    if (afterMs > 0) this.#clock.setTimer(afterMs, () => this.#answer(answer));
    else this.#answer(answer);
  }

  #answer(answer: MockGrpcAnswer): void {
    if ("failure" in answer) return this.#fail(answer.failure);
    const { message, messages = message === undefined ? [] : [message] } = answer;
    if (answer.initialMetadata) this.begin(answer.initialMetadata);
    for (const each of messages) this.reply(each);
    this.end(answer.status, answer.details, answer.trailingMetadata);
  }

  #fail(failure: "refused" | "reset" | "cut" | "timeout"): void {
    if (failure === "timeout") return;
    if (failure !== "cut") {
      const [reason, details] = FAILURES[failure];
      return this.#giveUp(503, RESET_TEXT + reason, details);
    }
    if (!this.#begun) this.begin();
    this.#soon((events) => {
      events.onTrailingMetadata(new HeaderMap("response-trailers"));
      this.#close(INTERNAL, "upstream_reset_after_response_started{connection_termination}");
    });
  }

  /** The proxy answers in the service's place. */
  #giveUp(status: number, text: string, details: string): void {
    this.#soon((events) => {
      const trailers = localGrpcAnswer(status, text);
      events.onInitialMetadata(new HeaderMap("response"));
      events.onTrailingMetadata(trailers);
      this.#close(Number(trailers.get("grpc-status")), `${text}{${details}}`);
    });
  }

  #close(status: number, message: string): void {
    const events = this.#events;
    this.#events = undefined;
    events?.onClose(status, message);
  }

  /** Events come in order, and none after the end. */
  #soon(tell: (events: GrpcEvents) => void): void {
    this.#clock.soon(() => this.#events && tell(this.#events));
  }

  // --- what the guest does

  /** @internal */
  send(message: Buffer, endStream: boolean): boolean {
    if (this.ended) return true;
    this.messages.push(message);
    this.ended = endStream;
    return true;
  }

  /** @internal */
  close(): void {
    this.ended = true;
  }

  /** @internal */
  cancel(): void {
    this.cancelled = this.open;
    this.#events = undefined;
  }
}

/** The gRPC services that filters under test can call, by cluster. */
export class MockGrpc implements GrpcCaller {
  readonly calls: MockGrpcCall[] = [];
  /** Names of clusters that were called and that nobody mocked. */
  readonly unknown: string[] = [];
  readonly #handlers = new Map<string, MockGrpcHandler | "no host">();

  constructor(private readonly clock: VirtualClock) {}

  set(cluster: string, handler: MockGrpcHandler | MockGrpcAnswer | "no host"): void {
    this.#handlers.set(cluster, typeof handler === "object" ? () => handler : handler);
  }

  hasCluster(name: string): boolean {
    const known = this.#handlers.has(name);
    if (!known) this.unknown.push(name);
    return known;
  }

  start(request: GrpcRequest, events: GrpcEvents): GrpcExchange | undefined {
    const { cluster } = request.target;
    const handler = this.#handlers.get(cluster);
    if (!handler) this.unknown.push(cluster);
    if (!handler || handler === "no host") return undefined;
    const call = new MockGrpcCall(request, events, this.clock);
    this.calls.push(call);
    // Not before the hostcall has returned.
    this.clock.soon(() => {
      const answer = call.open ? handler(call) : undefined;
      if (answer) call.answer(answer);
    });
    return call;
  }

  /** Calls that wait for their answer. Streams may stay open as long as their plugin. */
  get open(): MockGrpcCall[] {
    return this.calls.filter((call) => call.unary && call.open);
  }
}
