import type { HeaderMap } from "../../stores/header-map";
import type { Cluster, Host } from "../clusters/cluster";
import { openUpstream } from "../clusters/open-upstream";
import type { UpstreamEvents, UpstreamStream } from "../clusters/upstream-events";
import { TcpTunnel } from "./tcp-tunnel";
import { TunnelGate } from "./tunnel-gate";

/** A request that asks for a tunnel, granted as far as this proxy is concerned. */
export interface TunnelRequest {
  headers: HeaderMap;
  endStream: boolean;
  /** The upgrade's type, or `connect`. */
  type: string;
  /** It ends here: the host gets its bytes alone. */
  terminate: boolean;
}

/** As `openUpstream`, for a request that asks for a tunnel. */
export function openTunnel(
  cluster: Cluster,
  host: Host,
  { headers, endStream, type, terminate }: TunnelRequest,
  events: UpstreamEvents,
): UpstreamStream {
  return new TunnelGate(type, events, (gate) =>
    terminate
      ? new TcpTunnel(cluster, host, gate)
      : openUpstream(cluster, host, headers, endStream, gate, type),
  );
}
