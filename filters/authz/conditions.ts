import { HeaderName } from "proxy-wasm-toolkit/sdk";
import { decimal } from "proxy-wasm-toolkit/sdk/text/ascii";
import { Fields } from "proxy-wasm-toolkit/sdk/text/fields";
import { Glob } from "proxy-wasm-toolkit/sdk/text/glob";
import { IpAddress, IpBlock, parseIpBlock } from "proxy-wasm-toolkit/sdk/text/ip";
import { PathMatch } from "./path-match";
import { RequestFacts } from "./request";

/** One field of a rule: its values ORed, the whole negated for `not...`. A missing attribute matches no value. */
export abstract class Condition {
  constructor(private readonly negated: bool) {}

  holds(request: RequestFacts): bool {
    return this.matches(request) != this.negated;
  }

  /** Compiles one value; errors name `path`. */
  abstract add(fields: Fields, text: string, path: string): void;
  protected abstract matches(request: RequestFacts): bool;
}

export function allHold(conditions: Condition[], request: RequestFacts): bool {
  for (let i = 0; i < conditions.length; i++) if (!conditions[i].holds(request)) return false;
  return true;
}

/** Conditions on texts: exact, `p*`, `*s`, and `*` for presence, even of an empty value. */
abstract class TextCondition extends Condition {
  private readonly globs: Glob[] = [];

  constructor(
    negated: bool,
    private readonly ignoreCase: bool,
  ) {
    super(negated);
  }

  add(fields: Fields, text: string, path: string): void {
    this.globs.push(new Glob(text, this.ignoreCase));
  }

  /** A missing value (null) matches nothing, not even `*`. */
  protected anyMatches(value: string | null): bool {
    if (value == null) return false;
    const globs = this.globs;
    for (let i = 0; i < globs.length; i++) if (globs[i].matches(value)) return true;
    return false;
  }
}

export class MethodCondition extends TextCondition {
  constructor(negated: bool) {
    super(negated, false);
  }

  protected matches(request: RequestFacts): bool {
    return this.anyMatches(request.method);
  }
}

export class HostCondition extends TextCondition {
  constructor(negated: bool) {
    super(negated, true);
  }

  protected matches(request: RequestFacts): bool {
    return this.anyMatches(request.authority);
  }
}

/**
 * Each value of a repeated header is tested alone; any match counts. Looking at the first alone would let a second
 * line past a DENY.
 */
export class HeaderCondition extends TextCondition {
  constructor(
    negated: bool,
    private readonly name: HeaderName,
  ) {
    super(negated, false);
  }

  protected matches(request: RequestFacts): bool {
    const pairs = request.pairs;
    const name = this.name;
    for (let i = pairs.indexOf(name); i >= 0; i = pairs.indexOf(name, i + 1)) {
      if (this.anyMatches(pairs.value(i))) return true;
    }
    return false;
  }
}

export class PathCondition extends Condition {
  private readonly paths: PathMatch[] = [];

  add(fields: Fields, text: string, path: string): void {
    this.paths.push(new PathMatch(fields, text, path));
  }

  protected matches(request: RequestFacts): bool {
    const path = request.path;
    if (path == null) return false;
    for (let i = 0; i < this.paths.length; i++) if (this.paths[i].matches(path)) return true;
    return false;
  }
}

export class PortCondition extends Condition {
  private readonly ports: i32[] = [];

  add(fields: Fields, text: string, path: string): void {
    const port = decimal(text);
    if (port < 0 || port > 65535) fields.fail(path, "expected a port from 0 to 65535");
    this.ports.push(port);
  }

  protected matches(request: RequestFacts): bool {
    return this.ports.includes(request.destinationPort);
  }
}

abstract class IpCondition extends Condition {
  private readonly blocks: IpBlock[] = [];

  add(fields: Fields, text: string, path: string): void {
    const block = parseIpBlock(text);
    if (block == null) fields.fail(path, "expected an IP address or a block such as 10.0.0.0/8");
    else this.blocks.push(block);
  }

  protected anyHolds(address: IpAddress | null): bool {
    if (address == null) return false;
    for (let i = 0; i < this.blocks.length; i++) if (this.blocks[i].contains(address)) return true;
    return false;
  }
}

export class SourceIpCondition extends IpCondition {
  protected matches(request: RequestFacts): bool {
    return this.anyHolds(request.sourceIp);
  }
}

export class DestinationIpCondition extends IpCondition {
  protected matches(request: RequestFacts): bool {
    return this.anyHolds(request.destinationIp);
  }
}
