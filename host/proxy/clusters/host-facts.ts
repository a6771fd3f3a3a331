import type { UpstreamInfo } from "../../stores/stream-info";
import { formatAddress, type Host } from "./cluster";
import type { PooledSocket } from "./connector";

/** Tells a stream's facts of the host it goes to. */
export function tellHost(upstream: UpstreamInfo, { text, port, hostname, endpoint }: Host): void {
  upstream.address = text;
  upstream.port = port;
  upstream.hostname = hostname;
  upstream.locality = endpoint.locality;
  upstream.metadata = endpoint.metadata;
  upstream.localityMetadata = endpoint.localityMetadata;
}

/** And of the connection that it has. */
export function tellConnection(upstream: UpstreamInfo, socket: PooledSocket): void {
  // A connection serves many requests, and asking the system is dear.
  socket.localText ??= formatAddress(socket.localAddress ?? "", socket.localPort ?? 0);
  socket.remoteText ??= formatAddress(socket.remoteAddress ?? "", socket.remotePort ?? 0);
  upstream.localAddress = socket.localText;
  upstream.remoteAddress = socket.remoteText;
  upstream.connectionId = socket.connectionId;
  upstream.tls = socket.tlsFacts;
}
