import type { UpstreamInfo } from "../../stores/stream-info";
import { type Operator, type Operators, plain, type Reader } from "../scope";
import { bytesOf } from "../value";

const of =
  (read: (upstream: UpstreamInfo) => string | number | undefined): Reader =>
  ({ info: { upstream } }) =>
    read(upstream);

/** A host's name, or where it is. */
const nameOf = ({ hostname, address }: { hostname?: string | undefined; address: string | undefined }) =>
  hostname ? bytesOf(hostname) : address;

const withoutPort = (name: string | undefined) => name?.replace(/:\d+$/, "");

/** Lists of all hosts that were tried. */
function attempted(about: string, read: (host: Attempt) => string | undefined): Operator {
  return plain(
    about,
    ({ info: { upstream } }) => upstream.attempted?.map(read).join(",") || undefined,
    "attempts",
  );
}

type Attempt = NonNullable<UpstreamInfo["attempted"]>[number];

const named = (text: string | undefined) => (text ? bytesOf(text) : undefined);

export const UPSTREAM: Operators = {
  UPSTREAM_HOST: plain(
    "Address of the chosen host",
    of((u) => u.address),
  ),
  UPSTREAM_HOST_NAME: plain("Its name, or its address without one", of(nameOf)),
  UPSTREAM_HOST_NAME_WITHOUT_PORT: plain(
    "The same without a port",
    of((u) => withoutPort(nameOf(u))),
  ),
  UPSTREAM_HOSTS_ATTEMPTED: attempted("Addresses of all hosts tried", (host) => host.address),
  UPSTREAM_HOSTS_ATTEMPTED_WITHOUT_PORT: attempted("The same without ports", (host) =>
    withoutPort(host.address),
  ),
  UPSTREAM_HOST_NAMES_ATTEMPTED: attempted("Names of all hosts tried", nameOf),
  UPSTREAM_HOST_NAMES_ATTEMPTED_WITHOUT_PORT: attempted("The same without ports", (host) =>
    withoutPort(nameOf(host)),
  ),
  UPSTREAM_CLUSTER: plain("Of the route; its `alt_stat_name` if it has one", ({ info }) => {
    const route = info.route();
    return named(route?.clusterStatName ?? route?.clusterName);
  }),
  UPSTREAM_CLUSTER_RAW: plain("Of the route", ({ info }) => named(info.route()?.clusterName)),
  UPSTREAM_PROTOCOL: plain(
    "What the host was spoken to in",
    of((u) => u.protocol),
  ),
  UPSTREAM_REQUEST_ATTEMPT_COUNT: plain(
    "How often the request was sent",
    of((u) => u.attempts),
  ),
  UPSTREAM_TRANSPORT_FAILURE_REASON: plain(
    "Why there was no connection",
    of((u) => u.transportFailureReason?.replaceAll(" ", "_") || undefined),
  ),
  UPSTREAM_CONNECTION_ID: plain(
    "0 without a connection",
    of((u) => u.connectionId ?? 0),
  ),
  UPSTREAM_CONNECTION_IDS_ATTEMPTED: plain(
    "Of all connections used",
    of((u) => u.connectionIds?.join(",") || undefined),
    "attempts",
  ),
  UPSTREAM_DETECTED_CLOSE_TYPE: plain(
    "`Normal`, once there is a host; of TCP always",
    ({ info: { upstream, protocol } }) =>
      upstream.address === undefined && protocol !== undefined ? undefined : "Normal",
  ),
  UPSTREAM_LOCAL_CLOSE_REASON: plain("Always `-`", () => undefined),
  CONNECTION_ID: plain("Of the client's connection", ({ info }) => info.connection.id),
  DOWNSTREAM_DETECTED_CLOSE_TYPE: plain(
    "How the client's connection ended, in entries written after that",
    ({ info }) => info.connection.closeType ?? "Normal",
  ),
  DOWNSTREAM_LOCAL_CLOSE_REASON: plain("Always `-`", () => undefined),
  DOWNSTREAM_CX_RTT: plain("Always `-`: Node does not tell", () => undefined),
};
