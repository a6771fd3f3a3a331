import type { StreamInfo } from "../stores/stream-info";
import type { LocalReply } from "../stream/filter";
import type { Hook } from "../stream/observed";
import { bodyText, pairsText } from "./bytes-view";
import type { GateKeeper } from "./gate";
import { LIMITS } from "./limits";
import type { DecisionView, Pair, StepView, StreamState, StreamSummary, StreamView } from "./model";
import { RecordedMessage } from "./recorded-message";

/** A step as it is kept: bytes as they were. */
export interface Step {
  at: number;
  filter: string;
  what: string;
  hook?: Hook<Pair[]>;
  lines: string[];
}

/** What a stream tells its recorder. */
export interface RecordedStreamOwner {
  readonly pauseOnTrap: boolean;
  changed(stream: RecordedStream): void;
}

/** One stream: its messages at both ends of the chain, and every step of its filters in between. */
export class RecordedStream implements GateKeeper {
  readonly request = new RecordedMessage();
  readonly forwarded = new RecordedMessage();
  readonly upstream = new RecordedMessage();
  readonly response = new RecordedMessage();
  readonly steps: Step[] = [];
  readonly began = Date.now();
  info: StreamInfo | undefined;
  decision: DecisionView | undefined;
  trapped = false;
  private readonly start = performance.now();
  private took: number | undefined;
  private dropped = 0;
  private held: (() => void) | undefined;

  constructor(
    readonly id: number,
    readonly listener: string,
    private readonly owner: RecordedStreamOwner,
  ) {}

  /** A new step; undefined when there are too many. */
  step(filter: string, what: string, hook?: Hook<Pair[]>): Step | undefined {
    if (this.steps.length >= LIMITS.steps) {
      this.dropped++;
      return undefined;
    }
    const step = { at: performance.now() - this.start, filter, what, ...(hook && { hook }), lines: [] };
    this.steps.push(step);
    return step;
  }

  write(step: Step | undefined, line: string): void {
    if (/^<== trap /.test(line)) this.trapped = true;
    if (!step || step.lines.length >= LIMITS.lines) this.dropped++;
    else step.lines.push(line.length > LIMITS.line ? `${line.slice(0, LIMITS.line)}...` : line);
  }

  answered(filter: string, { status, details }: LocalReply): void {
    this.decision ??= { filter, status, details };
    this.owner.changed(this);
  }

  hold(send: () => void): boolean {
    if (!this.owner.pauseOnTrap) return false;
    this.held = send;
    this.owner.changed(this);
    return true;
  }

  /** Lets an answer go that a pause holds back. */
  resume(): boolean {
    const { held } = this;
    this.held = undefined;
    held?.();
    this.owner.changed(this);
    return held !== undefined;
  }

  finish(): void {
    this.took = performance.now() - this.start;
    this.held = undefined;
    const final = this.info?.responseHeaders;
    // An answer while a filter holds the response goes past all filters.
    if (final && this.response.get(":status") !== final.get(":status")) this.response.begin(final, true);
    this.owner.changed(this);
  }

  get state(): StreamState {
    if (this.took !== undefined) return "done";
    return this.held ? "paused" : "open";
  }

  get summary(): StreamSummary {
    const { id, listener, began, took, state, request, info, decision } = this;
    const status = info?.responseCode;
    const details = info?.responseCodeDetails;
    return {
      id,
      listener,
      began,
      state,
      method: request.get(":method") ?? "",
      authority: request.get(":authority") ?? "",
      path: request.get(":path") ?? "",
      ...(took !== undefined && { took }),
      ...(status !== undefined && { status }),
      ...(details !== undefined && { details }),
      ...(decision && { decision }),
      ...(this.trapped && { trapped: true }),
    };
  }

  view(hide: (name: string) => boolean): StreamView {
    const { forwarded, upstream, response } = this;
    return {
      ...this.summary,
      request: this.request.view(hide),
      ...(forwarded.headers && { forwarded: forwarded.view(hide) }),
      ...(upstream.headers && { upstream: upstream.view(hide) }),
      ...(response.headers && { response: response.view(hide) }),
      steps: this.steps.map((step) => stepView(step, hide)),
      dropped: this.dropped,
    };
  }
}

function stepView({ at, filter, what, hook, lines }: Step, hide: (name: string) => boolean): StepView {
  const pairs = (list: Pair[] | undefined) => list && pairsText(list, hide);
  const part = (data: Buffer) => bodyText(data.subarray(0, LIMITS.chunk), data.length);
  const before = pairs(hook?.before);
  const after = pairs(hook?.after);
  return {
    at,
    filter,
    what,
    ...(hook?.status !== undefined && { status: hook.status }),
    ...(hook?.endOfStream && { endOfStream: true }),
    ...(before && { before }),
    ...(after && { after }),
    ...(hook?.chunk && { chunk: { before: part(hook.chunk.before), after: part(hook.chunk.after) } }),
    lines: [...lines],
  };
}
