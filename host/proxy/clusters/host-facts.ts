import type { UpstreamInfo } from "../../stores/stream-info";
import { formatAddress, type Host } from "./cluster";
import type { PooledSocket } from "./connector";

/** Tells a stream's facts of the host it goes to. */
export function tellHost(upstream: UpstreamInfo, { address, port, hostname, endpoint }: Host): void {
  upstream.address = formatAddress(address, port);
  upstream.port = port;
  upstream.hostname = hostname;
  upstream.locality = endpoint.locality;
  upstream.metadata = endpoint.metadata;
  upstream.localityMetadata = endpoint.localityMetadata;
}

/** And of the connection that it has. */
export function tellConnection(upstream: UpstreamInfo, socket: PooledSocket): void {
  upstream.localAddress = formatAddress(socket.localAddress ?? "", socket.localPort ?? 0);
  upstream.remoteAddress = formatAddress(socket.remoteAddress ?? "", socket.remotePort ?? 0);
  upstream.connectionId = socket.connectionId;
  upstream.tls = socket.tlsFacts;
}
