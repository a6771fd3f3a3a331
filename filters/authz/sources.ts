import { connection, getPropertyString, HeaderName, PropertyPath } from "proxy-wasm-toolkit/sdk";
import { lowerCase } from "proxy-wasm-toolkit/sdk/text/ascii";
import { IpAddress } from "proxy-wasm-toolkit/sdk/text/ip";
import { pathOnly } from "proxy-wasm-toolkit/sdk/text/url";
import { Facts, NONE, oneOrNone } from "./facts";
import { Cost, Source } from "./source";
import { listOf, textOf } from "./untyped";

const SINGLE: string[] = [":path", ":method", ":authority", ":scheme"];

/** A header by its lower-case name, every line of it. */
export class HeaderSource extends Source {
  private readonly header: HeaderName;
  private readonly single: bool;

  constructor(name: string) {
    const single = SINGLE.includes(name);
    super(name, single ? Cost.Header : Cost.AnyHeader);
    this.single = single;
    this.header = new HeaderName(name);
  }

  read(facts: Facts): StaticArray<string> {
    return this.single ? facts.single(this.header) : facts.header(this.header);
  }
}

/** `:path` without query and fragment. */
export class PathSource extends Source {
  constructor(private readonly target: Source) {
    super("path", Cost.Header);
  }

  read(facts: Facts): StaticArray<string> {
    const target = facts.of(this.target);
    return target.length == 0 ? NONE : oneOrNone(pathOnly(target[0]));
  }
}

/** Another source in lower case. */
export class FoldedSource extends Source {
  constructor(private readonly origin: Source) {
    super(`${origin.name} in lower case`, origin.cost);
  }

  get isDerived(): bool {
    return true;
  }

  read(facts: Facts): StaticArray<string> {
    const values = facts.of(this.origin);
    const folded = new StaticArray<string>(values.length);
    for (let i = 0; i < values.length; i++) folded[i] = lowerCase(values[i]);
    return folded;
  }
}

export class PortSource extends Source {
  constructor() {
    super("destination.port", Cost.Property);
  }

  read(facts: Facts): StaticArray<string> {
    const port = connection.destinationPort;
    return port > 0 ? oneOrNone(port.toString()) : NONE;
  }
}

/** An address as a text of its bits, so that a block is a prefix. */
export class BitsSource extends Source {
  constructor(private readonly isSource: bool) {
    super(isSource ? "source.ip" : "destination.ip", Cost.Property);
  }

  shown(facts: Facts): StaticArray<string> {
    return oneOrNone(this.isSource ? connection.sourceAddress : connection.destinationAddress);
  }

  read(facts: Facts): StaticArray<string> {
    const address = this.isSource ? facts.sourceIp : facts.destinationIp;
    return address == null ? NONE : oneOrNone(bitsOf(address, 128));
  }
}

export function bitsOf(address: IpAddress, count: i32): string {
  let text = address.isV4 ? "4" : "6";
  // The mapped form's first 96 bits say only that it is IPv4.
  for (let i = address.isV4 ? 96 : 0; i < count; i++) {
    const word = i < 64 ? address.high : address.low;
    text += ((word >> <u64>(63 - (i & 63))) & 1) != 0 ? "1" : "0";
  }
  return text;
}

/** Server name of the client's TLS; "" without one, as Envoy has it. */
export class SniSource extends Source {
  constructor() {
    super("connection.sni", Cost.Property);
  }

  read(facts: Facts): StaticArray<string> {
    const name = connection.requestedServerName;
    return oneOrNone(name == null ? "" : name);
  }
}

/**
 * The names Envoy takes a client to have: URI and DNS names of its certificate, of each the first as the ABI shows no other,
 * and the subject, which is "" for a client with TLS but without a certificate. In Istio's ambient mode a filter state
 * has it instead.
 */
export class PrincipalSource extends Source {
  constructor() {
    super("source.principal", Cost.Certificate);
  }

  read(facts: Facts): StaticArray<string> {
    const names: string[] = [];
    add(names, connection.peerUri);
    add(names, connection.peerDnsName);
    add(names, connection.peerSubject);
    if (names.length == 0) add(names, getPropertyString(PEER_PRINCIPAL));
    return StaticArray.fromArray(names);
  }
}

const PEER_PRINCIPAL: PropertyPath = PropertyPath.of(["filter_state", "io.istio.peer_principal"]);

function add(names: string[], name: string | null): void {
  if (name != null) names.push(name);
}

/** What stands between the slashes of a principal: namespaces and service accounts among them. */
export class SegmentsSource extends Source {
  constructor(private readonly principal: Source) {
    super("parts of source.principal", Cost.Certificate);
  }

  get isDerived(): bool {
    return true;
  }

  read(facts: Facts): StaticArray<string> {
    const names = facts.of(this.principal);
    const parts: string[] = [];
    for (let i = 0; i < names.length; i++) {
      const split = names[i].split("/");
      for (let k = 0; k < split.length; k++) parts.push(split[k]);
    }
    return StaticArray.fromArray(parts);
  }
}

/** A claim of the request's token. */
export class ClaimSource extends Source {
  constructor(
    name: string,
    private readonly path: string[],
    private readonly lists: bool,
  ) {
    super(name, Cost.Claim);
  }

  read(facts: Facts): StaticArray<string> {
    if (this.lists) return StaticArray.fromArray(facts.claims.texts(this.path));
    return oneOrNone(facts.claims.text(this.path));
  }
}

/** A value in the stream's metadata or filter state: a text, or the texts of a list. */
export class PropertySource extends Source {
  private readonly path: PropertyPath;

  constructor(
    name: string,
    path: string[],
    private readonly isList: bool,
  ) {
    super(name, Cost.Property);
    this.path = PropertyPath.of(path);
  }

  read(facts: Facts): StaticArray<string> {
    const value = this.path.raw;
    if (!this.isList) return oneOrNone(textOf(value));
    const list = listOf(value);
    return list == null ? NONE : StaticArray.fromArray(list);
  }
}
