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
import type { ByteCounts, StreamTimes } from "./stream-times";

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
  times: StreamTimes | undefined;
  downstreamBytes: ByteCounts | undefined;
  upstreamBytes: ByteCounts | undefined;
  /** Flags in the order in which they were set; kept when there are several. */
  flagOrder: number[] | undefined;
  private flags = 0;
  bytesReceived = 0;
  bytesSent = 0;
  upstreamRequestStart: bigint | undefined;
  upstreamResponseEnd: bigint | undefined;
  connectionTermination: string | undefined;
  readonly upstream: UpstreamInfo = unknownUpstream();
  traceId: string | undefined;
  spanId: string | undefined;
  traced: boolean | undefined;
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

  get responseFlags(): number {
    return this.flags;
  }

  set responseFlags(flags: number) {
    const added = flags & ~this.flags;
    if (this.flags !== 0 && added !== 0) {
      this.flagOrder ??= [this.flags];
      this.flagOrder.push(added);
    }
    this.flags = flags;
  }

  abstract route(): RouteInfo | undefined;
}
