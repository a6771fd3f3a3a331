import type { EdgeConfig, HttpConnectionManagerConfig, NodeConfig } from "../../../config/model";
import type { HeaderMap } from "../../../stores/header-map";
import type { ConnectionInfo } from "../../../stores/stream-info";
import { formatAddress, ipOf } from "../../clusters/cluster";
import { ownAddress } from "../../own-address";
import { applyClientCert } from "../client-cert-header";
import type { Refusal } from "../refusal";
import { finishResponseHeaders } from "../response-headers";
import type { StreamFacts } from "../stream-facts";
import { Ranges } from "./address-ranges";
import { forwardedClient, isLoopback } from "./client-address";
import { normalizeHost } from "./host";
import { dropInternalHeaders } from "./internal-headers";
import { normalizePath } from "./path";
import { dropBadReferer } from "./referer";
import { echoRequestId, ensureRequestId } from "./request-id";

const FORWARDED_FOR = "x-forwarded-for";
const FORWARDED_PROTO = "x-forwarded-proto";
const FORWARDED_PORT = "x-forwarded-port";

/** The other end of a connection, as every request on it needs it. */
interface Peer {
  ip: string;
  /** What stands for it in `x-forwarded-for`. */
  forwardedAs: string;
  internal: boolean;
}

/** Who sent a request, and whether it comes from inside. */
interface Client {
  ip: string;
  internal: boolean;
}

/** Where requests come in from the world: what they say of themselves is believed only as far as configured. */
export class Edge {
  private readonly rules: EdgeConfig;
  private readonly internal: Ranges;
  /** What the proxy says of itself in a reply to what was no request. */
  readonly signature: readonly (readonly [string, string])[];
  private readonly peers = new WeakMap<ConnectionInfo, Peer>();

  constructor(
    private readonly config: HttpConnectionManagerConfig,
    private readonly node: Pick<NodeConfig, "id" | "cluster">,
  ) {
    this.rules = config.edge;
    const { serverHeader, via } = config.edge;
    this.signature = [
      ...(serverHeader === "PASS_THROUGH" ? [] : [["server", config.serverName] as const]),
      ...(via === "" ? [] : [["via", via] as const]),
    ];
    this.internal = new Ranges(config.edge.client.internal);
  }

  /** Brings path and host into the form that is asked for; or says why the request is not served. */
  admit(headers: HeaderMap, info: StreamFacts): Refusal | undefined {
    const { path, host } = this.rules;
    const refusal = normalizePath(headers, path);
    if (!refusal) {
      const port = normalizeHost(headers, host, info.connection.localPort);
      if (port !== undefined && wasConnect(headers, info)) info.connectPort = port;
    }
    return refusal;
  }

  /** Makes of a request's headers what filters and the next hop are to see, in Envoy's order. */
  enter(headers: HeaderMap, info: StreamFacts): void {
    const { client: rules, internalOnly, requestId, schemeToSet, addUserAgent, via } = this.rules;
    const { connection } = info;
    const scheme = connection.tls ? "https" : "http";
    dropBadReferer(headers);
    const client = rules.useRemoteAddress
      ? this.fromPeer(headers, info, scheme)
      : this.fromHeader(headers, info);
    if (!headers.has(FORWARDED_PROTO)) headers.append(FORWARDED_PROTO, scheme);
    if (rules.appendForwardedPort && !headers.has(FORWARDED_PORT))
      headers.append(FORWARDED_PORT, String(connection.localPort));
    if (schemeToSet !== undefined) {
      headers.set(":scheme", schemeToSet);
      headers.set(FORWARDED_PROTO, schemeToSet);
    } else if (!headers.has(":scheme")) headers.append(":scheme", knownScheme(headers) ?? scheme);
    const internal = client?.internal ?? false;
    const outside = rules.useRemoteAddress && !internal;
    if (internal) headers.replace("x-envoy-internal", "true");
    else {
      dropInternalHeaders(headers, outside);
      for (const name of internalOnly) headers.remove(name);
    }
    if (addUserAgent) this.addUserAgent(headers);
    if (via !== "") appendVia(headers, via);
    if (outside) headers.set("x-envoy-external-address", client?.ip ?? "");
    ensureRequestId(headers, requestId, outside);
    applyClientCert(headers, this.config.clientCert, connection.tls);
  }

  /** What is done to a response before it leaves. `tunnel`: the upgrade it answers to. */
  leave(headers: HeaderMap, request: HeaderMap | undefined, tunnel: string | undefined): void {
    const { requestId, serverHeader, via } = this.rules;
    finishResponseHeaders(headers, tunnel);
    if (serverHeader === "OVERWRITE" || (serverHeader === "APPEND_IF_ABSENT" && !headers.has("server")))
      headers.set("server", this.config.serverName);
    if (request && (requestId.inResponse || request.has("x-envoy-force-trace")))
      echoRequestId(headers, request);
    if (via !== "") appendVia(headers, via);
  }

  /** The peer is the client, or speaks for it as the last of so many proxies. */
  private fromPeer(headers: HeaderMap, info: StreamFacts, scheme: string): Client {
    const { trustedHops, skipXffAppend, appendForwardedPort } = this.rules.client;
    const peer = this.peerOf(info.connection);
    const before = headers.get(FORWARDED_FOR);
    const named = trustedHops === 0 ? undefined : forwardedClient(before, trustedHops - 1);
    if (named) info.setRemoteAddress(formatAddress(named.ip, 0), 0);
    if (!skipXffAppend) headers.add(FORWARDED_FOR, peer.forwardedAs);
    if (trustedHops === 0 || !headers.has(FORWARDED_PROTO)) headers.set(FORWARDED_PROTO, scheme);
    if (appendForwardedPort && trustedHops === 0)
      headers.set(FORWARDED_PORT, String(info.connection.localPort));
    return {
      ip: named?.ip ?? peer.ip,
      // Who names others is a proxy, and what it lets in comes from outside.
      internal: before === undefined && peer.internal,
    };
  }

  /** The client is whom `x-forwarded-for` names, if it names anybody. */
  private fromHeader(headers: HeaderMap, info: StreamFacts): Client | undefined {
    const named = forwardedClient(headers.get(FORWARDED_FOR), this.rules.client.trustedHops);
    if (!named) return undefined;
    info.setRemoteAddress(formatAddress(named.ip, 0), 0);
    return { ip: named.ip, internal: named.sole && this.internal.has(named.ip) };
  }

  /** Says to the next hop who this proxy is. */
  private addUserAgent(headers: HeaderMap): void {
    const { id, cluster } = this.node;
    headers.set("x-envoy-downstream-service-cluster", cluster);
    if (!headers.get("user-agent")) headers.set("user-agent", cluster);
    if (id !== "") headers.set("x-envoy-downstream-service-node", id);
  }

  private peerOf(connection: ConnectionInfo): Peer {
    const known = this.peers.get(connection);
    if (known) return known;
    const ip = ipOf(connection.remoteAddress);
    const peer = { ip, forwardedAs: isLoopback(ip) ? ownAddress() : ip, internal: this.internal.has(ip) };
    this.peers.set(connection, peer);
    return peer;
  }
}

/** Over HTTP/2 upgrades are asked for by CONNECT, too. */
function wasConnect(headers: HeaderMap, { protocol }: StreamFacts): boolean {
  return headers.get(":method") === "CONNECT" || (protocol === "HTTP/2" && headers.has("upgrade"));
}

/** The scheme that `x-forwarded-proto` names, if it is one of HTTP. */
function knownScheme(headers: HeaderMap): string | undefined {
  const named = headers.get(FORWARDED_PROTO)?.toLowerCase();
  return named === "http" || named === "https" ? named : undefined;
}

/** Adds one hop to `via`. */
function appendVia(headers: HeaderMap, via: string): void {
  const before = headers.get("via");
  headers.set("via", before ? `${before}, ${via}` : via);
}
