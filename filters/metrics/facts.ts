import {
  Bytes,
  Expression,
  getPropertyInt,
  getPropertyString,
  HeaderName,
  headerMap,
  MapType,
  Pairs,
  PropertyPath,
} from "proxy-wasm-toolkit/sdk";

/**
 * All a label set depends on, and then the measures, as one list: one call gets it, and its bytes up to the measures are
 * the key by which a series is found again. Reading each fact by itself costs more than twice as much in Envoy.
 */
const CODE = "has(response.code) ? response.code : 0";
const FLAGS = "response.flags";
const GRPC =
  "'content-type' in request.headers && (request.headers['content-type'] == 'application/grpc' || " +
  "request.headers['content-type'].startsWith('application/grpc+'))";
const CLUSTER =
  "has(xds.cluster_name) ? xds.cluster_name : " +
  "has(xds.route_name) && xds.route_name == 'block_all' ? 'BlackHoleCluster' : ''";
const AUTHORITY = "has(request.host) ? request.host : ''";
const MEASURES = "has(request.duration) ? request.duration : -1, request.total_size, response.total_size";
const MEASURES_COUNT = 3;
/** Bytes of the measures at the end of the list: each is eight, and two closing ones. */
const MEASURES_SIZE = 30;
const FACTS = 7;
/** Where the facts' bytes begin: behind the number of items and their sizes. */
const START = 4 + 8 * (FACTS + MEASURES_COUNT);

const AUTHORITY_HEADER = new HeaderName(":authority");
const CONTENT_TYPE = new HeaderName("content-type");

function optional(path: string): string {
  return `has(${path}) ? ${path} : ''`;
}

/** What is the same for all exchanges with equal labels. */
export class Facts {
  code: i32 = 0;
  flags: i64 = 0;
  isGrpc: bool = false;
  cluster: string = "";
  authority: string = "";
  /** First URI SAN of the certificates of the other end, and of our own towards it; "" = none. */
  peer: string = "";
  local: string = "";
}

/** Facts and measures as the proxy gave them. */
export class Snapshot {
  constructor(readonly bytes: Bytes) {}

  /** Size of the part that is the key. */
  get keySize(): i32 {
    return this.bytes.length - MEASURES_SIZE;
  }

  get code(): i32 {
    return load<i32>(this.bytes.ptr + START);
  }

  get isGrpc(): bool {
    return this.bytes.at(START + 20) != 0;
  }

  /** Nanoseconds; less than 0 = the request never became complete. */
  get duration(): i64 {
    return this.measure(30);
  }

  get requestSize(): i64 {
    return this.measure(20);
  }

  get responseSize(): i64 {
    return this.measure(10);
  }

  private measure(fromEnd: i32): i64 {
    return load<i64>(this.bytes.ptr + <usize>(this.bytes.length - fromEnd));
  }

  facts(): Facts {
    const facts = new Facts();
    const list = Pairs.decode(this.bytes);
    if (list.length < FACTS) return facts;
    facts.code = <i32>int(list.nameBytes(0));
    facts.flags = int(list.nameBytes(1));
    facts.isGrpc = list.nameBytes(2).at(0) != 0;
    facts.cluster = list.name(3);
    facts.authority = list.name(4);
    facts.peer = list.name(5);
    facts.local = list.name(6);
    return facts;
  }
}

/** Asks the proxy about the current stream. */
export class FactReader {
  private readonly expression: Expression | null;
  private readonly peerName: PropertyPath;
  private readonly localName: PropertyPath;

  /** `side`: whose connection has the certificates, that of the client (`connection`) or of the `upstream`. */
  constructor(
    readonly side: string,
    private readonly readsAuthority: bool,
  ) {
    this.peerName = PropertyPath.of([side, "uri_san_peer_certificate"]);
    this.localName = PropertyPath.of([side, "uri_san_local_certificate"]);
    const authority = readsAuthority ? AUTHORITY : "''";
    const peer = optional(`${side}.uri_san_peer_certificate`);
    const local = optional(`${side}.uri_san_local_certificate`);
    this.expression = Expression.compile(
      `[${CODE}, ${FLAGS}, ${GRPC}, ${CLUSTER}, ${authority}, ${peer}, ${local}, ${MEASURES}]`,
    );
  }

  /** In `onLog` of an HTTP exchange. */
  snapshot(): Snapshot {
    const expression = this.expression;
    if (expression != null) {
      const bytes = expression.evaluate();
      if (bytes != null && bytes.length > START + MEASURES_SIZE) return new Snapshot(bytes);
    }
    return new Snapshot(this.assemble().encode());
  }

  /** The same list from single properties, in proxies that have no expressions. */
  private assemble(): Pairs {
    const facts = this.connection();
    const none = Bytes.of("");
    const headers = headerMap(MapType.HttpRequestHeaders);
    const authority = this.readsAuthority ? headers.getBytes<HeaderName>(AUTHORITY_HEADER) : null;
    const isGrpc = isGrpcType(headers.get<HeaderName>(CONTENT_TYPE));
    return new Pairs()
      .addBytes(intBytes(getPropertyInt("response.code")), none)
      .addBytes(intBytes(facts.flags), none)
      .addBytes(intBytes(isGrpc ? 1 : 0).slice(0, 1), none)
      .addBytes(Bytes.of(facts.cluster), none)
      .addBytes(authority == null ? none : authority, none)
      .addBytes(Bytes.of(facts.peer), none)
      .addBytes(Bytes.of(facts.local), none)
      .addBytes(intBytes(getPropertyInt("request.duration", -1)), none)
      .addBytes(intBytes(getPropertyInt("request.total_size")), none)
      .addBytes(intBytes(getPropertyInt("response.total_size")), none);
  }

  /** What can be asked about any stream at any time, by the context that is effective. */
  connection(): Facts {
    const facts = new Facts();
    facts.flags = getPropertyInt("response.flags");
    facts.cluster = currentCluster();
    facts.peer = orEmpty(getPropertyString(this.peerName));
    facts.local = orEmpty(getPropertyString(this.localName));
    return facts;
  }
}

/** Cluster of the current stream, as in the list; "" = none. */
export function currentCluster(): string {
  const cluster = getPropertyString("xds.cluster_name");
  if (cluster != null) return cluster;
  return getPropertyString("xds.route_name") == "block_all" ? "BlackHoleCluster" : "";
}

export function isGrpcType(type: string | null): bool {
  return type != null && (type == "application/grpc" || type.startsWith("application/grpc+"));
}

function orEmpty(text: string | null): string {
  return text == null ? "" : text;
}

function int(bytes: Bytes): i64 {
  return bytes.length == 8 ? load<i64>(bytes.ptr) : 0;
}

function intBytes(value: i64): Bytes {
  const buffer = new ArrayBuffer(8);
  store<i64>(changetype<usize>(buffer), value);
  return Bytes.view(buffer);
}
