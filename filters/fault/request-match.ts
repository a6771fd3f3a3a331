import { Fields } from "proxy-wasm-toolkit/sdk/text/fields";
import { JsonValue } from "proxy-wasm-toolkit/sdk/text/json";
import { ClaimMatch } from "./claims";
import { HeaderMatch, readHeaders } from "./header-match";
import { KnownHeader } from "./known-header";
import { QueryMatch, readQuery } from "./query-match";
import { Request } from "./request";
import { isForUs } from "./selectors";
import { StringMatch } from "./string-match";

const METHOD = KnownHeader.of(":method");
const AUTHORITY = KnownHeader.of(":authority");
const SCHEME = KnownHeader.of(":scheme");
const NODE = KnownHeader.of("x-envoy-downstream-service-node");

const KNOWN: string[] = [
  "name",
  "uri",
  "ignoreUriCase",
  "method",
  "authority",
  "scheme",
  "headers",
  "withoutHeaders",
  "queryParams",
  "routeName",
  "upstreamCluster",
  "downstreamNodes",
  "port",
  "sourceLabels",
  "sourceNamespace",
  "gateways",
];

/** One block of an Istio HTTPMatchRequest, and what Envoy's filter has beside `headers`: everything in it must hold. */
export class RequestMatch {
  /** False: the block is for other workloads. */
  private isForUs: bool = true;
  private uri: StringMatch | null = null;
  private method: StringMatch | null = null;
  private authority: StringMatch | null = null;
  private scheme: StringMatch | null = null;
  private headers: HeaderMatch[] = [];
  private without: HeaderMatch[] = [];
  private query: QueryMatch[] = [];
  private routeName: StringMatch | null = null;
  private cluster: StringMatch | null = null;
  /** Empty = any. */
  private nodes: string[] = [];
  /** Where the request has come in; 0 = any. */
  private port: i32 = 0;
  private claims: ClaimMatch[] = [];
  private withoutClaims: ClaimMatch[] = [];

  static read(fields: Fields, json: JsonValue, path: string): RequestMatch {
    const match = new RequestMatch();
    if (!fields.object(json, path, KNOWN)) return match;
    fields.textOr(json, "name", path, "");
    const ignore = json.get("ignoreUriCase");
    const ignoreCase = ignore != null && fields.bool(ignore, `${path}.ignoreUriCase`);
    match.uri = part(fields, json, "uri", path, ignoreCase);
    match.method = part(fields, json, "method", path, false);
    match.authority = part(fields, json, "authority", path, false);
    match.scheme = part(fields, json, "scheme", path, false);
    match.headers = readHeaders(fields, json.get("headers"), `${path}.headers`, match.claims);
    const without = json.get("withoutHeaders");
    match.without = readHeaders(fields, without, `${path}.withoutHeaders`, match.withoutClaims);
    match.query = readQuery(fields, json.get("queryParams"), `${path}.queryParams`);
    match.routeName = part(fields, json, "routeName", path, false);
    match.cluster = part(fields, json, "upstreamCluster", path, false);
    match.port = readPort(fields, json.get("port"), `${path}.port`);
    match.isForUs = isForUs(fields, json, path);
    match.nodes = fields.texts(json.get("downstreamNodes"), `${path}.downstreamNodes`);
    return match;
  }

  /** Cheapest first: most requests under a rule for some header do not have it. */
  holds(request: Request): bool {
    if (!this.isForUs) return false;
    const headers = this.headers;
    for (let i = 0; i < headers.length; i++) if (!headers[i].isThere(request)) return false;
    const uri = this.uri;
    if (uri != null && !uri.matches(request.path)) return false;
    return (
      firstHolds(this.method, request, METHOD) &&
      firstHolds(this.authority, request, AUTHORITY) &&
      firstHolds(this.scheme, request, SCHEME) &&
      this.queryHolds(request) &&
      this.headersHold(request) &&
      this.proxyHolds(request)
    );
  }

  /** What the proxy has to be asked for: that costs more than a header. */
  private proxyHolds(request: Request): bool {
    const nodes = this.nodes;
    if (nodes.length > 0) {
      const node = request.first(NODE);
      if (node == null || !nodes.includes(node)) return false;
    }
    if (this.port != 0 && this.port != request.port) return false;
    const name = this.routeName;
    if (name != null && !name.matches(request.routeName)) return false;
    const cluster = this.cluster;
    if (cluster != null && !cluster.matches(request.cluster)) return false;
    for (let i = 0; i < this.claims.length; i++) if (!this.claims[i].holds()) return false;
    for (let i = 0; i < this.withoutClaims.length; i++) if (this.withoutClaims[i].holds()) return false;
    return true;
  }

  private queryHolds(request: Request): bool {
    const query = this.query;
    for (let i = 0; i < query.length; i++) if (!query[i].holds(request)) return false;
    return true;
  }

  private headersHold(request: Request): bool {
    for (let i = 0; i < this.headers.length; i++) if (!this.headers[i].holds(request)) return false;
    for (let i = 0; i < this.without.length; i++) if (this.without[i].holdsOrIsEmpty(request)) return false;
    return true;
  }
}

function readPort(fields: Fields, json: JsonValue | null, path: string): i32 {
  return json == null ? 0 : fields.integer(json, path, 1, 65535);
}

function firstHolds(match: StringMatch | null, request: Request, name: KnownHeader): bool {
  return match == null || match.matchesOptional(request.first(name));
}

function part(
  fields: Fields,
  json: JsonValue,
  key: string,
  path: string,
  ignoreCase: bool,
): StringMatch | null {
  const value = json.get(key);
  return value == null ? null : StringMatch.read(fields, value, `${path}.${key}`, ignoreCase);
}
