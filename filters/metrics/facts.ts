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
 * the key by which a series is found again. Reading each fact by itself costs half as much again in Envoy. What is
 * always there when an exchange ends well is asked for without `has`, which costs too: the list fails without it.
 */
const CODE = "response.code";
const FLAGS = "response.flags";
const CLUSTER = "has(xds.cluster_name) ? xds.cluster_name : ''";
const AUTHORITY = "request.host";
const MEASURES = "request.duration, request.total_size, response.total_size";
const MEASURES_COUNT = 3;
/** Bytes of the measures at the end of the list: each is eight, and two closing ones. */
const MEASURES_SIZE = 30;
const FACTS = 5;
/** Where the facts' bytes begin: behind the number of items and their sizes. */
const START = 4 + 8 * (FACTS + MEASURES_COUNT);
const CLUSTER_SIZE = 4 + 8 * 2;

const AUTHORITY_HEADER = new HeaderName(":authority");

/** What is the same for all exchanges with equal labels. */
export class Facts {
  code: i32 = 0;
  flags: i64 = 0;
  cluster: string = "";
  authority: string = "";
  isTls: bool = false;
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

  /** Whether the exchange had a cluster. */
  get isRouted(): bool {
    return load<u32>(this.bytes.ptr + CLUSTER_SIZE) > 0;
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
    facts.cluster = list.name(2);
    facts.authority = list.name(3);
    const names = Pairs.decode(list.nameBytes(4));
    if (names.length < 2) return facts;
    facts.peer = names.name(0);
    facts.local = names.name(1);
    return facts;
  }
}

/** Asks the proxy about the current stream. */
export class FactReader {
  private readonly expression: Expression | null;
  private readonly versionName: PropertyPath;
  private readonly peerName: PropertyPath;
  private readonly localName: PropertyPath;

  /** `side`: whose connection has the certificates, that of the client (`connection`) or of the `upstream`. */
  constructor(
    readonly side: string,
    private readonly readsAuthority: bool,
  ) {
    this.versionName = PropertyPath.of([side, "tls_version"]);
    this.peerName = PropertyPath.of([side, "uri_san_peer_certificate"]);
    this.localName = PropertyPath.of([side, "uri_san_local_certificate"]);
    const authority = readsAuthority ? AUTHORITY : "''";
    const names = `${optional(`${side}.uri_san_peer_certificate`)}, ${optional(`${side}.uri_san_local_certificate`)}`;
    const tls = `has(${side}.tls_version) ? [${names}] : []`;
    this.expression = Expression.compile(
      `[${CODE}, ${FLAGS}, ${CLUSTER}, ${authority}, ${tls}, ${MEASURES}]`,
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

  /** The same list from single properties: where there are no expressions, and for exchanges that broke off. */
  private assemble(): Pairs {
    const facts = this.connection();
    const none = Bytes.of("");
    const headers = headerMap(MapType.HttpRequestHeaders);
    const authority = this.readsAuthority ? headers.getBytes<HeaderName>(AUTHORITY_HEADER) : null;
    const names = new Pairs();
    if (facts.isTls) names.addBytes(Bytes.of(facts.peer), none).addBytes(Bytes.of(facts.local), none);
    return new Pairs()
      .addBytes(intBytes(getPropertyInt("response.code")), none)
      .addBytes(intBytes(facts.flags), none)
      .addBytes(Bytes.of(facts.cluster), none)
      .addBytes(authority == null ? none : authority, none)
      .addBytes(facts.isTls ? names.encode() : intBytes(0).slice(0, 4), none)
      .addBytes(intBytes(getPropertyInt("request.duration", -1)), none)
      .addBytes(intBytes(getPropertyInt("request.total_size")), none)
      .addBytes(intBytes(getPropertyInt("response.total_size")), none);
  }

  /** What can be asked about any stream at any time, by the context that is effective. */
  connection(): Facts {
    const facts = new Facts();
    facts.flags = getPropertyInt("response.flags");
    facts.cluster = currentCluster();
    facts.isTls = getPropertyString(this.versionName) != null;
    if (!facts.isTls) return facts;
    facts.peer = orEmpty(getPropertyString(this.peerName));
    facts.local = orEmpty(getPropertyString(this.localName));
    return facts;
  }
}

/** Cluster of the current stream; "" = none. */
export function currentCluster(): string {
  return orEmpty(getPropertyString("xds.cluster_name"));
}

/** Whether the current stream's route is the one Istio has for what may not leave the mesh. */
export function isBlocked(): bool {
  return getPropertyString("xds.route_name") == "block_all";
}

function optional(path: string): string {
  return `has(${path}) ? ${path} : ''`;
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
