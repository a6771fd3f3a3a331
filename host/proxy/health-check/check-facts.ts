import { systemClock } from "../../clock";
import type { FormatScope } from "../../formatter/scope";
import { Facts } from "../../stores/facts";
import { FilterState } from "../../stores/filter-state";
import type { ConnectionInfo } from "../../stores/stream-info";
import type { Host } from "../clusters/host";
import { tellHost } from "../clusters/host-facts";

/** Nobody has asked for a check: the proxy stands for the client. */
const NO_CLIENT: Omit<ConnectionInfo, "filterState"> = {
  id: 0,
  localAddress: "127.0.0.1",
  localPort: 0,
  remoteAddress: "127.0.0.1",
  remotePort: 0,
  requestedServerName: "",
  tls: undefined,
};
const NO_LISTENER = { direction: 0, metadata: undefined, filterChainName: "" };

/** The facts of a check, for the formats in its headers. */
class CheckFacts extends Facts {
  route(): undefined {
    return undefined;
  }
}

/** What the formats of a check of that host are filled from. */
export function checkScope(host: Host, protocol: "HTTP/1.1" | "HTTP/2"): FormatScope {
  const info = new CheckFacts({ ...NO_CLIENT, filterState: new FilterState() }, NO_LISTENER, systemClock);
  info.protocol = protocol;
  tellHost(info.upstream, host);
  return { info, clock: systemClock };
}
