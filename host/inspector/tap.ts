import type { HeaderMap } from "../stores/header-map";
import type { StreamInfo } from "../stores/stream-info";
import {
  type BodyChunk,
  DataStatus,
  type FilterFactory,
  HeadersStatus,
  type StreamFilter,
  TrailersStatus,
} from "../stream/filter";
import type { RecordedMessage } from "./recorded-message";

/** What a tap tells of. */
export interface Tapped {
  /** The stream's facts, as it begins. */
  met?(info: StreamInfo): void;
  request: RecordedMessage;
  response: RecordedMessage;
  /** Something has passed. */
  changed(): void;
  /** Does the response that comes count? The proxy's own answers go through all filters, too. */
  counts?(): boolean;
  /** The stream is over. */
  gone?(): void;
}

/** A filter that lets everything pass and writes it down: put at an end of a chain it sees what passes there. */
class Tap implements StreamFilter {
  private counted = true;

  constructor(private readonly to: Tapped) {}

  decodeHeaders(map: HeaderMap, end: boolean): HeadersStatus {
    this.to.request.begin(map, end);
    this.to.changed();
    return HeadersStatus.Continue;
  }
  decodeData({ data }: BodyChunk, end: boolean): DataStatus {
    this.to.request.append(data, end);
    return DataStatus.Continue;
  }
  decodeTrailers(map: HeaderMap): TrailersStatus {
    this.to.request.finish(map);
    return TrailersStatus.Continue;
  }
  encodeHeaders(map: HeaderMap, end: boolean): HeadersStatus {
    this.counted = this.to.counts?.() ?? true;
    if (this.counted) this.to.response.begin(map, end);
    this.to.changed();
    return HeadersStatus.Continue;
  }
  encodeData({ data }: BodyChunk, end: boolean): DataStatus {
    if (this.counted) this.to.response.append(data, end);
    return DataStatus.Continue;
  }
  encodeTrailers(map: HeaderMap): TrailersStatus {
    if (this.counted) this.to.response.finish(map);
    return TrailersStatus.Continue;
  }
  onLog(): void {}
  onDestroy(): void {
    this.to.gone?.();
  }
}

export function tap(name: string, to: Tapped): FilterFactory {
  return {
    name,
    create({ info }) {
      to.met?.(info);
      return new Tap(to);
    },
  };
}
