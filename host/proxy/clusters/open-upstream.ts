import type { HeaderMap } from "../../stores/header-map";
import type { Cluster, Host } from "./cluster";
import { Http2Request } from "./http2-request";
import type { UpstreamEvents, UpstreamStream } from "./upstream-events";
import { UpstreamRequest } from "./upstream-request";
import { WatchedEvents } from "./watched-events";

/**
 * Sends a request to a host in the protocol of its cluster. Throws UnsendableError when the headers cannot go on the
 * wire; every other failure is an event. `tunnel`: what the request asks for, which the host may grant.
 */
export function openUpstream(
  cluster: Cluster,
  host: Host,
  headers: HeaderMap,
  endStream: boolean,
  events: UpstreamEvents,
  tunnel?: string,
): UpstreamStream {
  const Request = host.http2 ? Http2Request : UpstreamRequest;
  const watched = host.outlier || host.checks ? new WatchedEvents(host, headers, events) : events;
  return new Request(cluster, host, headers, endStream, watched, tunnel);
}
