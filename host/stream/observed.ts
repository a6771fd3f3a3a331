import type { HeaderMap } from "../stores/header-map";
import {
  type BodyChunk,
  DataStatus,
  type FilterFactory,
  HeadersStatus,
  type StreamFilter,
  TrailersStatus,
} from "./filter";

/** One hook of one filter: what went in, what the filter made of it. `V` is a copy of a header map. */
export interface Hook<V> {
  /** Name of the plugin. */
  filter: string;
  hook:
    | "request headers"
    | "request body"
    | "request trailers"
    | "response headers"
    | "response body"
    | "response trailers"
    | "log"
    | "done";
  /** What the filter answered, by Envoy's name. */
  status?: string;
  endOfStream?: boolean;
  /** Headers or trailers before and after. */
  before?: V;
  after?: V;
  /** Body bytes before and after. */
  chunk?: { before: Buffer; after: Buffer };
}

/** Hears of every hook twice: as it begins, and with what came of it. */
export interface HookObserver<V> {
  /** Copies what a map holds now. */
  view(map: HeaderMap): V;
  begin(hook: Hook<V>): void;
  end?(hook: Hook<V>): void;
}

/** A filter that writes down what goes in and out of another. */
class Observer<V> implements StreamFilter {
  constructor(
    private readonly filter: StreamFilter,
    private readonly name: string,
    private readonly observer: HookObserver<V>,
  ) {}

  private run<S>(entry: Hook<V>, run: () => S): S {
    this.observer.begin(entry);
    try {
      return run();
    } finally {
      this.observer.end?.(entry);
    }
  }

  private map<S extends number>(
    hook: Hook<V>["hook"],
    map: HeaderMap,
    statuses: Record<number, string>,
    run: () => S,
    more: Partial<Hook<V>> = {},
  ): S {
    const { observer, name } = this;
    const entry: Hook<V> = { filter: name, hook, before: observer.view(map), ...more };
    return this.run(entry, () => {
      const status = run();
      entry.status = statuses[status]!;
      entry.after = observer.view(map);
      return status;
    });
  }

  private data(hook: Hook<V>["hook"], chunk: BodyChunk, endOfStream: boolean, run: () => DataStatus) {
    const before = Buffer.from(chunk.data);
    const entry: Hook<V> = { filter: this.name, hook, endOfStream };
    return this.run(entry, () => {
      const status = run();
      entry.status = DataStatus[status]!;
      entry.chunk = { before, after: Buffer.from(chunk.data) };
      return status;
    });
  }

  decodeHeaders(map: HeaderMap, endOfStream: boolean): HeadersStatus {
    const run = () => this.filter.decodeHeaders(map, endOfStream);
    return this.map("request headers", map, HeadersStatus, run, { endOfStream });
  }

  decodeData(chunk: BodyChunk, end: boolean): DataStatus {
    return this.data("request body", chunk, end, () => this.filter.decodeData(chunk, end));
  }

  decodeTrailers(map: HeaderMap): TrailersStatus {
    return this.map("request trailers", map, TrailersStatus, () => this.filter.decodeTrailers(map));
  }

  encodeHeaders(map: HeaderMap, endOfStream: boolean): HeadersStatus {
    const run = () => this.filter.encodeHeaders(map, endOfStream);
    return this.map("response headers", map, HeadersStatus, run, { endOfStream });
  }

  encodeData(chunk: BodyChunk, end: boolean): DataStatus {
    return this.data("response body", chunk, end, () => this.filter.encodeData(chunk, end));
  }

  encodeTrailers(map: HeaderMap): TrailersStatus {
    return this.map("response trailers", map, TrailersStatus, () => this.filter.encodeTrailers(map));
  }

  onLog(): void {
    this.run({ filter: this.name, hook: "log" }, () => this.filter.onLog());
  }

  onDestroy(): void {
    this.run({ filter: this.name, hook: "done" }, () => this.filter.onDestroy());
  }
}

/** The same filter, with every hook written down. */
export function observed<V>(factory: FilterFactory, observer: HookObserver<V>): FilterFactory {
  return {
    name: factory.name,
    create(callbacks) {
      const filter = factory.create(callbacks);
      return filter && new Observer(filter, factory.name, observer);
    },
  };
}
