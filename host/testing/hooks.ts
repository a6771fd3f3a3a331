import type { HeaderMap } from "../stores/header-map";
import {
  type BodyChunk,
  DataStatus,
  type FilterFactory,
  HeadersStatus,
  type StreamFilter,
  TrailersStatus,
} from "../stream/filter";
import { HeaderView } from "./headers";

/** One hook of one filter: what went in, what the filter made of it. */
export interface HookRecord {
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
  before?: HeaderView;
  after?: HeaderView;
  /** Body bytes before and after. */
  chunk?: { before: Buffer; after: Buffer };
}

/** A filter that writes down what goes in and out of another. */
class Observer implements StreamFilter {
  constructor(
    private readonly filter: StreamFilter,
    private readonly name: string,
    private readonly record: (hook: HookRecord) => void,
  ) {}

  private map<S extends number>(
    hook: HookRecord["hook"],
    map: HeaderMap,
    statuses: Record<number, string>,
    run: () => S,
    more: Partial<HookRecord> = {},
  ): S {
    const entry: HookRecord = { filter: this.name, hook, before: new HeaderView(map), ...more };
    this.record(entry);
    const status = run();
    entry.status = statuses[status]!;
    entry.after = new HeaderView(map);
    return status;
  }

  private data(hook: HookRecord["hook"], chunk: BodyChunk, endOfStream: boolean, run: () => DataStatus) {
    const before = Buffer.from(chunk.data);
    const entry: HookRecord = { filter: this.name, hook, endOfStream };
    this.record(entry);
    const status = run();
    entry.status = DataStatus[status]!;
    entry.chunk = { before, after: Buffer.from(chunk.data) };
    return status;
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
    this.record({ filter: this.name, hook: "log" });
    this.filter.onLog();
  }

  onDestroy(): void {
    this.record({ filter: this.name, hook: "done" });
    this.filter.onDestroy();
  }
}

/** The same filter, with every hook written down. */
export function observed(factory: FilterFactory, record: (hook: HookRecord) => void): FilterFactory {
  return {
    name: factory.name,
    create(callbacks) {
      const filter = factory.create(callbacks);
      return filter && new Observer(filter, factory.name, record);
    },
  };
}
