import type { HeaderMap } from "../stores/header-map";
import { BodyBuffer } from "./body-buffer";
import type { BodyChunk, DataStatus, HeadersStatus, HeldBody, TrailersStatus } from "./filter";
import { type Flow, type FlowStep, nextFlow } from "./flow";

/** Where frames go after the last filter, and what the chain does about a full buffer. */
export interface DirectionEnd {
  headers(map: HeaderMap, end: boolean): void;
  data(chunk: Buffer, end: boolean): void;
  trailers(map: HeaderMap): void;
  /** A filter keeps more than the limit without having asked for back-pressure. */
  overflow(): void;
  /** Kept bytes rose above, or fell below, the limit under back-pressure. */
  pause(paused: boolean): void;
}

/** One filter's place in one direction. */
export abstract class Station implements HeldBody {
  flow: Flow = "flowing";
  watermark = false;
  headersPassed = false;
  headers: HeaderMap | undefined;
  readonly kept = new BodyBuffer();
  trailers: HeaderMap | undefined;
  /** The end of the stream has reached this filter. */
  ended = false;
  paused = false;
  inHeaders = false;
  /** Set while the last body chunk is in the filter's hands: it may add trailers. */
  inLastData = false;
  added: HeaderMap | undefined;

  constructor(private readonly direction: Direction) {}

  // The filter's hooks for this direction.
  abstract onHeaders(map: HeaderMap, end: boolean): HeadersStatus;
  abstract onData(chunk: BodyChunk, end: boolean): DataStatus;
  abstract onTrailers(map: HeaderMap): TrailersStatus;

  /** `continue_stream` for this filter. */
  continue(): void {
    this.direction.continue(this);
  }

  // The body kept here, as the filter sees it.
  get length(): number {
    return this.kept.length;
  }
  bytes(): Buffer {
    return this.kept.bytes();
  }
  append(data: Buffer): boolean {
    this.kept.append(data);
    this.direction.checkLimit(this);
    return this.direction.open;
  }
  replace(data: Buffer): void {
    this.kept.replace(data);
    this.direction.checkLimit(this);
  }
}

/** One direction of a filter chain: moves headers, body and trailers from filter to filter as Envoy's filter manager does. */
export class Direction {
  readonly stations: Station[] = [];
  /** False once the stream was answered, reset or finished: nothing moves any more. */
  open = true;

  constructor(
    private readonly end: DirectionEnd,
    private readonly limit: number,
  ) {}

  headers(map: HeaderMap, end: boolean, from = 0): void {
    for (let i = from; i < this.stations.length; i++) {
      const station = this.stations[i]!;
      station.headers = map;
      station.ended = end;
      station.inHeaders = true;
      const status = station.onHeaders(map, end);
      station.inHeaders = false;
      if (!this.open) return;
      this.apply(station, nextFlow(station.flow, { hook: "headers", status }));
      if (station.flow !== "flowing") return;
      // A continue from inside the hook has sent the headers on already.
      if (station.headersPassed) return;
      station.headersPassed = true;
    }
    this.end.headers(map, end);
  }

  data(data: Buffer, end: boolean, from = 0): void {
    let chunk = data;
    for (let i = from; i < this.stations.length; i++) {
      const station = this.stations[i]!;
      if (end) station.ended = true;
      if (station.flow === "held") return this.keep(station, chunk);
      const body: BodyChunk = { data: chunk };
      station.inLastData = end;
      const status = station.onData(body, end);
      station.inLastData = false;
      if (!this.open) return;
      const next = nextFlow(station.flow, { hook: "data", status });
      this.apply(station, next);
      if (next.effect === "drop") return;
      if (next.effect === "hold") return this.keep(station, body.data);
      if (next.effect === "resume" || station.added) {
        station.kept.append(body.data);
        return this.release(i, i + 1);
      }
      chunk = body.data;
    }
    this.end.data(chunk, end);
  }

  trailers(map: HeaderMap, from = 0): void {
    for (let i = from; i < this.stations.length; i++) {
      const station = this.stations[i]!;
      station.ended = true;
      if (station.flow === "held") {
        station.trailers = map;
        return;
      }
      const status = station.onTrailers(map);
      if (!this.open) return;
      const next = nextFlow(station.flow, { hook: "trailers", status });
      this.apply(station, next);
      if (next.effect !== "pass") {
        station.trailers = map;
        if (next.effect === "resume") this.release(i, i + 1);
        return;
      }
    }
    this.end.trailers(map);
  }

  /** `continue_stream` for one filter; ignored when nothing is paused. */
  continue(station: Station): void {
    if (!this.open) return;
    const index = this.stations.indexOf(station);
    if (station.inHeaders && !station.headersPassed && station.headers) {
      // An edge, not a latch: it runs now, and the pause that the hook is about to return sticks.
      station.headersPassed = true;
      this.headers(station.headers, station.ended, index + 1);
      return;
    }
    const next = nextFlow(station.flow, { hook: "continue" });
    if (next.effect === "none") return;
    this.apply(station, next);
    this.release(index, next.effect === "replay" ? index : index + 1);
  }

  private apply(station: Station, next: FlowStep): void {
    station.flow = next.flow;
    station.watermark = next.watermark;
  }

  private keep(station: Station, chunk: Buffer): void {
    station.kept.append(chunk);
    this.checkLimit(station);
  }

  /** Acts on a kept body that is over the limit. */
  checkLimit(station: Station): void {
    const over = station.kept.length > this.limit;
    if (over && !station.watermark) return this.end.overflow();
    if (over !== station.paused) {
      station.paused = over;
      this.end.pause(over);
    }
  }

  /** Passes on what station `index` kept: headers, body, trailers, to the stations from `to` on. */
  private release(index: number, to: number): void {
    const station = this.stations[index]!;
    const trailers = station.trailers ?? station.added;
    const hasBody = station.kept.touched;
    if (!station.headersPassed && station.headers) {
      station.headersPassed = true;
      this.headers(station.headers, station.ended && !hasBody && !trailers, index + 1);
    }
    station.trailers = undefined;
    station.added = undefined;
    if (hasBody && this.open) {
      const body = station.kept.take();
      if (station.paused) {
        station.paused = false;
        this.end.pause(false);
      }
      this.data(body, station.ended && !trailers, to);
    }
    if (trailers && this.open) this.trailers(trailers, to);
  }
}
