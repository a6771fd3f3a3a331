import type { Clock } from "../clock";
import { Facts } from "../stores/facts";
import { FilterState } from "../stores/filter-state";
import type { ConnectionInfo, RouteInfo, StreamInfo, UpstreamInfo } from "../stores/stream-info";

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
export class ExchangeFacts extends Facts {
  readonly #route: RouteInfo | undefined;

  constructor(id: number, clock: Clock, { protocol, connection, listener, route }: FactsInit) {
    super(
      {
        id,
        localAddress: "127.0.0.1:80",
        localPort: 80,
        remoteAddress: "127.0.0.1:50000",
        remotePort: 50_000,
        requestedServerName: "",
        tls: undefined,
        filterState: new FilterState(),
        ...connection,
      },
      { direction: 0, metadata: undefined, filterChainName: "", ...listener },
      clock,
    );
    this.protocol = protocol ?? "HTTP/1.1";
    this.#route = route && { ...ROUTE, ...route };
  }

  route(): RouteInfo | undefined {
    return this.#route;
  }
}
