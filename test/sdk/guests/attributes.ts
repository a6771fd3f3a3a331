import {
  Action,
  Bytes,
  dynamicMetadata,
  filterState,
  HttpFilter,
  logWarn,
  PropertyPath,
  plugin,
  RootContext,
  registerHttp,
  setProperty,
  upstreamFilterState,
  xds,
} from "proxy-wasm-toolkit/sdk";

/** Logs every typed attribute in each phase: `phase name=value`. */

let phase: string = "";

function text(name: string, value: string | null): void {
  logWarn(`${phase} ${name}=${value == null ? "null" : `<${value}>`}`);
}

function number(name: string, value: i64): void {
  logWarn(`${phase} ${name}=${value}`);
}

function yes(name: string, value: bool): void {
  logWarn(`${phase} ${name}=${value}`);
}

function path(name: string, value: PropertyPath): void {
  text(name, value.text);
}

function list(name: string, items: Bytes[] | null): void {
  text(name, items == null ? null : items.join("|"));
}

class Root extends RootContext {
  onConfigure(config: string): string | null {
    phase = "configure";
    node();
    text("xds.clusterName", xds.clusterName);
    number("connection.id", PropertyPath.of(["connection", "id"]).int(-1));
    return null;
  }
}

function node(): void {
  text("plugin.name", plugin.name);
  text("plugin.rootId", plugin.rootId);
  text("plugin.vmId", plugin.vmId);
  text("node.id", xds.node.id);
  text("node.cluster", xds.node.cluster);
  text("node.region", xds.node.region);
  text("node.zone", xds.node.zone);
  text("node.subZone", xds.node.subZone);
  const metadata = xds.node.metadata;
  path("node.label", metadata.at("LABELS").at("app.kubernetes.io/name"));
  number("node.number", <i64>metadata.at("NUMBER").double());
  yes("node.flag", metadata.at("FLAG").bool);
  list("node.list", metadata.at("LIST").list);
  path("node.item", metadata.at("LIST").at("1"));
  path("node.none", metadata.at("NONE"));
  const labels = metadata.at("LABELS").map;
  number("node.labels", labels == null ? -1 : labels.length);
  text("node.labels.app", labels == null ? null : labels.get("app"));
}

class Attributes extends HttpFilter {
  onRequestHeaders(): Action {
    phase = "request";
    setProperty("mine", "kept");
    this.all();
    return Action.Continue;
  }

  onResponseHeaders(): Action {
    phase = "response";
    this.all();
    return Action.Continue;
  }

  onLog(): void {
    phase = "log";
    this.all();
  }

  all(): void {
    node();
    this.message();
    this.wire();
    this.configuration();
    path("filterState", filterState("wasm.mine"));
    path("upstreamFilterState", upstreamFilterState("none"));
    path("metadata", dynamicMetadata("none").at("key"));
    const own = PropertyPath.of([]).at("mine");
    text("own", own.text);
    logWarn(`${phase} end`);
  }

  message(): void {
    const request = this.request;
    text("request.path", request.path);
    text("request.urlPath", request.urlPath);
    text("request.query", request.query);
    text("request.method", request.method);
    text("request.host", request.host);
    text("request.scheme", request.scheme);
    text("request.protocol", request.protocol);
    yes("request.id", request.id != null);
    text("request.userAgent", request.userAgent);
    text("request.referer", request.referer);
    yes("request.time", request.time > 1700000000000000000);
    yes("request.duration", request.duration > 0);
    number("request.size", request.size);
    number("request.headersSize", request.headersSize);
    number("request.totalSize", request.totalSize);
    const response = this.response;
    number("response.code", response.code);
    text("response.codeDetails", response.codeDetails);
    number("response.flags", response.flags);
    number("response.grpcStatus", response.grpcStatus);
    number("response.size", response.size);
    number("response.headersSize", response.headersSize);
    number("response.totalSize", response.totalSize);
    yes("response.backendLatency", response.backendLatency > 0);
  }

  wire(): void {
    const connection = this.connection;
    yes("connection.id", connection.id >= 0);
    text("connection.sourceAddress", connection.sourceAddress);
    number("connection.sourcePort", connection.sourcePort);
    text("connection.destinationAddress", connection.destinationAddress);
    number("connection.destinationPort", connection.destinationPort);
    yes("connection.mtls", connection.mtls);
    yes("connection.peerCertificateValid", connection.peerCertificateValid);
    text("connection.requestedServerName", connection.requestedServerName);
    text("connection.tlsVersion", connection.tlsVersion);
    text("connection.peerSubject", connection.peerSubject);
    text("connection.localSubject", connection.localSubject);
    text("connection.peerDnsName", connection.peerDnsName);
    text("connection.localDnsName", connection.localDnsName);
    text("connection.peerUri", connection.peerUri);
    text("connection.localUri", connection.localUri);
    text("connection.peerDigest", connection.peerDigest);
    text("connection.peerCertificate", connection.peerCertificate);
    text("connection.terminationDetails", connection.terminationDetails);
    text("connection.transportFailureReason", connection.transportFailureReason);
    const upstream = this.upstream;
    text("upstream.address", upstream.address);
    number("upstream.port", upstream.port);
    yes("upstream.localAddress", upstream.localAddress != null);
    text("upstream.transportFailureReason", upstream.transportFailureReason);
    number("upstream.attempts", upstream.attempts);
    number("upstream.endpoints", upstream.endpoints);
    yes("upstream.poolReadyDuration", upstream.poolReadyDuration > 0);
    text("upstream.serverName", upstream.serverName);
    text("upstream.tlsVersion", upstream.tlsVersion);
    text("upstream.peerSubject", upstream.peerSubject);
    text("upstream.localSubject", upstream.localSubject);
    text("upstream.peerDnsName", upstream.peerDnsName);
    text("upstream.localDnsName", upstream.localDnsName);
    text("upstream.peerUri", upstream.peerUri);
    text("upstream.localUri", upstream.localUri);
    text("upstream.peerDigest", upstream.peerDigest);
    path("upstream.locality", upstream.locality.at("region"));
  }

  configuration(): void {
    text("xds.clusterName", xds.clusterName);
    path("xds.clusterMetadata", xds.clusterMetadata.at("test").at("of"));
    text("xds.routeName", xds.routeName);
    path("xds.routeMetadata", xds.routeMetadata.at("test").at("of"));
    text("xds.virtualHostName", xds.virtualHostName);
    path("xds.virtualHostMetadata", xds.virtualHostMetadata.at("test").at("of"));
    number("xds.listenerDirection", xds.listenerDirection);
    path("xds.listenerMetadata", xds.listenerMetadata.at("test").at("of"));
    text("xds.filterChainName", xds.filterChainName);
    path("xds.upstreamHostMetadata", xds.upstreamHostMetadata.at("test").at("of"));
    path("xds.upstreamHostLocalityMetadata", xds.upstreamHostLocalityMetadata.at("test").at("of"));
  }
}
registerHttp<Attributes, Root>("attributes");
