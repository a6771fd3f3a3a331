import { connection } from "proxy-wasm-toolkit/sdk";
import { lowerCase } from "proxy-wasm-toolkit/sdk/text/ascii";
import { IpBlock } from "proxy-wasm-toolkit/sdk/text/ip";
import { Anchor, AnchorSet } from "./anchor";
import { Facts } from "./facts";
import { Matcher } from "./matcher";
import { Cost, Source } from "./source";
import { Form, TextTest } from "./text-test";

/** Any value of a source passes the test; a missing one passes none. */
export class TextMatch extends Matcher {
  /** `folded` is the source in lower case, for tests that ignore case. */
  constructor(
    private readonly source: Source,
    private readonly test: TextTest,
    private readonly folded: Source | null = null,
  ) {
    super();
  }

  get cost(): Cost {
    return this.source.cost;
  }

  matches(facts: Facts): bool {
    const values = facts.of(this.source);
    for (let i = 0; i < values.length; i++) if (this.test.matches(unchecked(values[i]))) return true;
    return false;
  }

  anchors(): AnchorSet[] {
    const test = this.test;
    if (test.form > Form.Suffix) return [];
    if (!test.ignoreCase) return [new AnchorSet().add(new Anchor(this.source, test.form, test.text))];
    const folded = this.folded;
    if (folded == null) return [];
    return [new AnchorSet().add(new Anchor(folded, test.form, lowerCase(test.text)))];
  }
}

/** A matcher that is known to need one of some anchors, though it cannot tell itself. */
export class Anchored extends Matcher {
  constructor(
    private readonly inner: Matcher,
    private readonly sets: AnchorSet[],
  ) {
    super();
  }

  get cost(): Cost {
    return this.inner.cost;
  }

  matches(facts: Facts): bool {
    return this.inner.matches(facts);
  }

  anchors(): AnchorSet[] {
    return this.sets;
  }
}

export class IpMatch extends Matcher {
  /** `bits` is the address as text, of whose beginning the block is one. */
  constructor(
    private readonly isSource: bool,
    private readonly block: IpBlock,
    private readonly bits: Source,
    private readonly beginning: string,
  ) {
    super();
  }

  get cost(): Cost {
    return Cost.Property;
  }

  matches(facts: Facts): bool {
    const address = this.isSource ? facts.sourceIp : facts.destinationIp;
    return address != null && this.block.contains(address);
  }

  anchors(): AnchorSet[] {
    return [new AnchorSet().add(new Anchor(this.bits, Form.Prefix, this.beginning))];
  }
}

/** Ports from `start` up to, but without, `end`. */
export class PortRangeMatch extends Matcher {
  constructor(
    private readonly start: i32,
    private readonly end: i32,
  ) {
    super();
  }

  get cost(): Cost {
    return Cost.Property;
  }

  matches(facts: Facts): bool {
    const port = connection.destinationPort;
    return port >= this.start && port < this.end;
  }
}

/** The connection uses TLS, whoever the client is. */
export class TlsMatch extends Matcher {
  get cost(): Cost {
    return Cost.Property;
  }

  matches(facts: Facts): bool {
    return connection.tlsVersion != null;
  }
}
