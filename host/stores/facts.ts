import type { Clock } from "../clock";
import { FilterState } from "./filter-state";
import type { HeaderMap } from "./header-map";
import {
  type ConnectionInfo,
  type RouteInfo,
  type StreamInfo,
  type UpstreamInfo,
  unknownUpstream,
} from "./stream-info";

/** The facts of a stream as they are when it begins. Plain TCP leaves what has to do with HTTP as it is. */
export abstract class Facts implements StreamInfo {
  protocol: string | undefined;
  remoteAddress: string;
  remotePort: number;
  readonly startTime: bigint;
  readonly startMonotonic: bigint;
  endMonotonic: bigint | undefined;
  requestHeaders: HeaderMap | undefined;
  responseHeaders: HeaderMap | undefined;
  responseTrailers: HeaderMap | undefined;
  responseCode: number | undefined;
  responseCodeDetails: string | undefined;
  responseFlags = 0;
  bytesReceived = 0;
  bytesSent = 0;
  upstreamRequestStart: bigint | undefined;
  upstreamResponseEnd: bigint | undefined;
  connectionTermination: string | undefined;
  readonly upstream: UpstreamInfo = unknownUpstream();
  readonly filterState: FilterState;

  constructor(
    readonly connection: ConnectionInfo,
    readonly listener: StreamInfo["listener"],
    clock: Clock,
  ) {
    this.filterState = new FilterState(connection.filterState);
    this.remoteAddress = connection.remoteAddress;
    this.remotePort = connection.remotePort;
    this.startTime = clock.now();
    this.startMonotonic = clock.monotonic();
  }

  abstract route(): RouteInfo | undefined;
}
