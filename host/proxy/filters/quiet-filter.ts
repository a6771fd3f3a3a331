import type { HeaderMap } from "../../stores/header-map";
import { DataStatus, HeadersStatus, type StreamFilter, TrailersStatus } from "../../stream/filter";

/** A filter that lets everything pass: what it does besides is what makes it one. */
export abstract class QuietFilter implements StreamFilter {
  decodeHeaders(_headers: HeaderMap, _endStream: boolean): HeadersStatus {
    return HeadersStatus.Continue;
  }
  decodeData(_chunk: unknown, _endStream: boolean): DataStatus {
    return DataStatus.Continue;
  }
  decodeTrailers(): TrailersStatus {
    return TrailersStatus.Continue;
  }
  encodeHeaders(_headers: HeaderMap, _endStream: boolean): HeadersStatus {
    return HeadersStatus.Continue;
  }
  encodeData(): DataStatus {
    return DataStatus.Continue;
  }
  encodeTrailers(): TrailersStatus {
    return TrailersStatus.Continue;
  }
  onLog(): void {}
  onDestroy(): void {}
}
