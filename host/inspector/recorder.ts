import type { TraceSink } from "../log";
import type { HeaderMap } from "../stores/header-map";
import type { StreamInfo } from "../stores/stream-info";
import type { FilterFactory } from "../stream/filter";
import { type Hook, observed } from "../stream/observed";
import { gated } from "./gate";
import { LIMITS } from "./limits";
import type { Pair } from "./model";
import { RecordedStream, type RecordedStreamOwner, type Step } from "./recorded-stream";
import { tap } from "./tap";

/** `[2026-11-25 13:41:13.882][22811][error][wasm] [host/...] Function: ... failed`; what guests log is in the trace already. */
const TRAP = /^\[[^\]]*\]\[\d+\]\[(?:error|critical)\]\[wasm\] \[host\//;

interface Open {
  stream: RecordedStream;
  step: Step | undefined;
}

/** `hello#2 ==> proxy_on_tick(...)`: who, and what. */
const LINE = /^(.*?)#\d+ ((?: {2})?(?:==>|<==) .*)$/s;

/** Keeps the last streams of a proxy with everything its filters did to them. */
export class Recorder implements RecordedStreamOwner, TraceSink {
  /** Holds the answer to a stream whose VM has failed, until somebody resumes it. */
  pauseOnTrap = false;
  readonly full: boolean;
  private readonly streams = new Map<number, RecordedStream>();
  private readonly subscribers = new Set<(stream: RecordedStream) => void>();
  /** Hooks that run now, the innermost last. */
  private readonly running: Open[] = [];
  private readonly owners = new WeakMap<object, RecordedStream>();
  /** A callback between hooks: the answer to a call, a timer. */
  private between: Open | undefined;
  private count = 0;

  /** @param full values are kept as they are in traces; nothing is masked */
  constructor({ full = false } = {}) {
    this.full = full;
  }

  /** The filters of a new stream, each watched, between two taps. */
  readonly watch = (filters: readonly FilterFactory[], listener: string): FilterFactory[] => {
    const stream = new RecordedStream(++this.count, listener, this);
    this.streams.set(stream.id, stream);
    if (this.streams.size > LIMITS.streams) this.forgetOne();
    const changed = () => this.changed(stream);
    const { request, forwarded, upstream, response } = stream;
    const counts = () => stream.info?.responseCodeDetails === "via_upstream";
    const met = (info: StreamInfo) => {
      stream.info = info;
    };
    const gone = () => stream.finish();
    return [
      tap("client", { request, response, changed, met }),
      ...filters.map((factory) => this.watched(gated(factory, stream), stream)),
      tap("upstream", { request: forwarded, response: upstream, counts, changed, gone }),
    ];
  };

  /** The oldest stream that is over; if none is, the oldest. */
  private forgetOne(): void {
    for (const [id, stream] of this.streams) {
      if (stream.state !== "done") continue;
      this.streams.delete(id);
      return;
    }
    const [id] = this.streams.keys();
    this.streams.get(id!)!.resume();
    this.streams.delete(id!);
  }

  private watched(factory: FilterFactory, stream: RecordedStream): FilterFactory {
    const hooks = observed<Pair[]>(factory, {
      view: (map: HeaderMap) => [...map],
      begin: (hook) => this.begin(stream, hook.filter, hook.hook, hook),
      end: () => this.end(),
    });
    return {
      name: factory.name,
      create: (callbacks) => {
        this.begin(stream, factory.name, "create");
        try {
          return hooks.create(callbacks);
        } finally {
          this.end();
        }
      },
    };
  }

  private begin(stream: RecordedStream, filter: string, what: string, hook?: Hook<Pair[]>): void {
    this.running.push({ stream, step: stream.step(filter, what, hook) });
  }

  private end(): void {
    const ended = this.running.pop();
    if (ended) this.changed(ended.stream);
  }

  /** A line of the trace. */
  write(text: string, context?: object): void {
    const [, who = "", line = text] = LINE.exec(text) ?? [];
    const hook = this.running.at(-1);
    if (hook) {
      if (context) this.owners.set(context, hook.stream);
      hook.stream.write(hook.step, line);
      return;
    }
    const stream = context && this.owners.get(context);
    if (!stream) return;
    const name = /^==> (\w+)/.exec(line)?.[1];
    if (name || this.between?.stream !== stream)
      this.between = { stream, step: stream.step(who, name ?? "callback") };
    stream.write(this.between.step, line);
    this.changed(stream);
  }

  /** An entry of the proxy's log: what it says of a trap belongs to the hook it came out of. */
  log(line: string): void {
    if (!TRAP.test(line)) return;
    const { stream, step } = this.running.at(-1) ?? {};
    stream?.write(step, line.trimEnd());
  }

  changed(stream: RecordedStream): void {
    for (const subscriber of this.subscribers) subscriber(stream);
  }

  /** Hears of every change; answers how to stop that. */
  subscribe(subscriber: (stream: RecordedStream) => void): () => void {
    this.subscribers.add(subscriber);
    return () => this.subscribers.delete(subscriber);
  }

  stream(id: number): RecordedStream | undefined {
    return this.streams.get(id);
  }

  /** Newest first. */
  get all(): RecordedStream[] {
    return [...this.streams.values()].reverse();
  }

  /** Forgets what is over. */
  clear(): void {
    for (const [id, { state }] of this.streams) if (state === "done") this.streams.delete(id);
  }
}
