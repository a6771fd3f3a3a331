import type { Clock } from "../clock";
import { FilterState } from "../stores/filter-state";
import type { HeaderMap } from "../stores/header-map";
import {
  type ConnectionInfo,
  type RouteInfo,
  type StreamInfo,
  type UpstreamInfo,
  unknownUpstream,
} from "../stores/stream-info";

/** What a test may say of the stream besides its messages; filters read it as properties. */
export interface FactsInit {
  /** Default `HTTP/1.1`, whose bodies end with an empty chunk; `HTTP/2` ends them with the last. */
  protocol?: "HTTP/1.1" | "HTTP/2";
  /** Which of the host's workers serves it, from 0; default: as the seed says. */
  worker?: number;
  connection?: Partial<ConnectionInfo>;
  listener?: Partial<StreamInfo["listener"]>;
  /** Default: no route. */
  route?: Partial<RouteInfo>;
  /** The host the request goes to, once it is forwarded. */
  upstream?: Partial<UpstreamInfo>;
}

const ROUTE: RouteInfo = {
  routeName: "",
  routeMetadata: undefined,
  virtualHostName: "",
  virtualHostMetadata: undefined,
  clusterName: undefined,
  clusterMetadata: undefined,
  clusterEndpoints: undefined,
};

/** The facts of one exchange under test. */
export class ExchangeFacts implements StreamInfo {
  protocol: string | undefined;
  readonly connection: ConnectionInfo;
  readonly listener: StreamInfo["listener"];
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
  readonly #route: RouteInfo | undefined;

  constructor(id: number, clock: Clock, { protocol, connection, listener, route }: FactsInit) {
    this.protocol = protocol ?? "HTTP/1.1";
    this.startTime = clock.now();
    this.startMonotonic = clock.monotonic();
    this.connection = {
      id,
      localAddress: "127.0.0.1:80",
      localPort: 80,
      remoteAddress: "127.0.0.1:50000",
      remotePort: 50_000,
      requestedServerName: "",
      tls: undefined,
      filterState: new FilterState(),
      ...connection,
    };
    this.filterState = new FilterState(this.connection.filterState);
    this.listener = { direction: 0, metadata: undefined, filterChainName: "", ...listener };
    this.#route = route && { ...ROUTE, ...route };
  }

  route(): RouteInfo | undefined {
    return this.#route;
  }
}
