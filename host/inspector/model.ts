/** What the inspector's server tells its page, as JSON. */

export type Pair = readonly [name: string, value: string];

/** A stretch of body: text is cut, the size is the whole. */
export interface BodyText {
  bytes: number;
  text: string;
  /** The text is an escaped rendering of bytes that are no UTF-8. */
  binary?: boolean;
  cut?: boolean;
}

export interface MessageView {
  headers?: Pair[];
  body?: BodyText;
  trailers?: Pair[];
}

/** One step of a stream: a hook of a filter, or a callback between hooks (a timer, the answer to a call). */
export interface StepView {
  /** Milliseconds since the stream began. */
  at: number;
  filter: string;
  /** `request headers`, `response body`, ... or the callback's name. */
  what: string;
  /** What the filter answered, by Envoy's name. */
  status?: string;
  endOfStream?: boolean;
  before?: Pair[];
  after?: Pair[];
  chunk?: { before: BodyText; after: BodyText };
  /** Callbacks, hostcalls and log lines, as `--trace` writes them. */
  lines: string[];
}

/** A response made by a filter. */
export interface DecisionView {
  filter: string;
  status: number;
  details: string;
}

export type StreamState = "open" | "paused" | "done";

/** A line of the list. */
export interface StreamSummary {
  id: number;
  listener: string;
  /** Milliseconds since 1970. */
  began: number;
  /** Milliseconds the stream took; absent while it is open. */
  took?: number;
  state: StreamState;
  method: string;
  authority: string;
  path: string;
  status?: number;
  /** Response code details. */
  details?: string;
  decision?: DecisionView;
  trapped?: boolean;
}

export interface StreamView extends StreamSummary {
  /** As it came to the first filter, as it left the last one, and the response in the same way. */
  request: MessageView;
  forwarded?: MessageView;
  upstream?: MessageView;
  response?: MessageView;
  steps: StepView[];
  /** Steps and lines that were too many to keep. */
  dropped: number;
}

export interface InspectorState {
  file: string;
  listeners: string[];
  pauseOnTrap: boolean;
  streams: StreamSummary[];
}

/** What two proxies said to the same request. */
export interface Comparison {
  rows: { what: string; node: string; envoy: string; same: boolean }[];
}
