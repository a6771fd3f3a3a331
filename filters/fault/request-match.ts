import { lowerCase } from "proxy-wasm-toolkit/sdk/text/ascii";
import { Fields } from "proxy-wasm-toolkit/sdk/text/fields";
import { JsonValue } from "proxy-wasm-toolkit/sdk/text/json";
import { queryParameter } from "proxy-wasm-toolkit/sdk/text/url";
import { ClaimMatch, claimPath } from "./claims";
import { KnownHeader } from "./known-header";
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

/** Keys that Istio reads from fields of their own and ignores among the headers. */
const IGNORED: string[] = ["uri", "scheme", "method", "authority"];

class HeaderMatch {
  constructor(
    readonly header: KnownHeader,
    readonly match: StringMatch,
  ) {}

  isThere(request: Request): bool {
    return request.first(this.header) != null;
  }

  /** A repeated header is tested value by value; any match counts. */
  holds(request: Request): bool {
    const first = request.first(this.header);
    return first != null && this.any(first, request);
  }

  /** For `withoutHeaders`: a missing header counts as an empty value, but not for a mere test of presence. */
  holdsOrIsEmpty(request: Request): bool {
    const first = request.first(this.header);
    if (first == null) return !this.match.isPresence && this.match.matches("");
    return this.any(first, request);
  }

  /** The first value is at hand; all of them have to be asked for. */
  private any(first: string, request: Request): bool {
    if (this.match.matches(first)) return true;
    const values = request.values(this.header);
    for (let i = 1; i < values.length; i++) if (this.match.matches(values[i])) return true;
    return false;
  }
}

class QueryMatch {
  constructor(
    readonly name: string,
    readonly match: StringMatch,
  ) {}

  holds(request: Request): bool {
    return this.match.matchesOptional(queryParameter(request.target, this.name));
  }
}

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

/** Claims of a token, which Istio writes among the headers, go into `claims`. */
function readHeaders(
  fields: Fields,
  json: JsonValue | null,
  path: string,
  claims: ClaimMatch[],
): HeaderMatch[] {
  const list: HeaderMatch[] = [];
  if (json == null || !fields.isObject(json, path)) return list;
  for (let i = 0; i < json.keys.length; i++) {
    const key = json.keys[i];
    if (IGNORED.includes(key)) continue;
    const at = `${path}.${key}`;
    const match = StringMatch.read(fields, json.items[i], at, false);
    const claim = claimPath(key);
    if (claim != null) {
      claims.push(new ClaimMatch(claim, match));
      continue;
    }
    if (key == "" || key.startsWith("@")) {
      fields.fail(at, "expected the name of a header, or @request.auth.claims[name]");
    }
    const name = lowerCase(key);
    // Proxies show `host` as `:authority`.
    list.push(new HeaderMatch(KnownHeader.of(name == "host" ? ":authority" : name), match));
  }
  return list;
}

function readQuery(fields: Fields, json: JsonValue | null, path: string): QueryMatch[] {
  const list: QueryMatch[] = [];
  if (json == null || !fields.isObject(json, path)) return list;
  for (let i = 0; i < json.keys.length; i++) {
    const key = json.keys[i];
    const at = `${path}.${key}`;
    if (key == "") fields.fail(at, "must not be empty");
    list.push(new QueryMatch(key, StringMatch.read(fields, json.items[i], at, false)));
  }
  return list;
}
