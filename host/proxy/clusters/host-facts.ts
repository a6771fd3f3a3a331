import type { UpstreamInfo } from "../../stores/stream-info";
import { formatAddress, type Host } from "./cluster";

/** Tells a stream's facts of the host it goes to. */
export function tellHost(upstream: UpstreamInfo, { address, port, endpoint }: Host): void {
  upstream.address = formatAddress(address, port);
  upstream.port = port;
  upstream.locality = endpoint.locality;
  upstream.metadata = endpoint.metadata;
  upstream.localityMetadata = endpoint.localityMetadata;
}
