import { decimal } from "proxy-wasm-toolkit/sdk/text/ascii";
import { Fields } from "proxy-wasm-toolkit/sdk/text/fields";
import { parseIpBlock } from "proxy-wasm-toolkit/sdk/text/ip";
import { Anchor, AnchorSet } from "./anchor";
import { Anchored, IpMatch, TextMatch } from "./leaves";
import { AnyOf, Field, Matcher } from "./matcher";
import { PathTemplate } from "./path-template";
import { Source, Sources } from "./source";
import {
  BitsSource,
  bitsOf,
  ClaimSource,
  FoldedSource,
  HeaderSource,
  PathSource,
  PortSource,
  PrincipalSource,
  PropertySource,
  SegmentsSource,
  SniSource,
} from "./sources";
import { Form, TextTest } from "./text-test";

/** What is being read, and the conditions that can be made of it: the same ones for Istio's policies and Envoy's. */
export class Terms {
  readonly fields: Fields = new Fields();
  readonly sources: Sources = new Sources();
  /** The mesh's trust domain, then its aliases. */
  trustDomains: string[] = ["cluster.local"];
  /** For connections: HTTP's attributes do not exist. */
  tcp: bool = false;
  /** Are names kept for explanations? */
  explain: bool = false;
  /** Do rules ask for the address of the peer itself? */
  asksForPeer: bool = false;
  readonly warnings: string[] = [];

  /** Wraps a field's matcher with the name an explanation gives it. */
  field(label: string, inner: Matcher): Matcher {
    return this.explain ? new Field(label, inner) : inner;
  }

  headerSource(name: string): Source {
    return this.sources.intern(new HeaderSource(name));
  }

  text(source: Source, test: TextTest, path: string): Matcher {
    if (test.error != "") this.fields.fail(path, test.error);
    const folded = test.ignoreCase ? this.sources.intern(new FoldedSource(source)) : null;
    return new TextMatch(source, test, folded);
  }

  header(name: string, test: TextTest, path: string): Matcher {
    return this.text(this.headerSource(name), test, path);
  }

  path(test: TextTest, path: string): Matcher {
    return this.text(this.pathSource(), test, path);
  }

  private pathSource(): Source {
    return this.sources.intern(new PathSource(this.headerSource(":path")));
  }

  template(template: PathTemplate, path: string): Matcher {
    const source = this.pathSource();
    const beginning = new AnchorSet().add(new Anchor(source, Form.Prefix, template.beginning));
    const end = new AnchorSet().add(new Anchor(source, Form.Suffix, template.end));
    // The longer says more: `/{*}/orders` begins as everything does.
    const sets = template.end.length > template.beginning.length ? [end, beginning] : [beginning, end];
    if (template.end == "") sets.pop();
    return new Anchored(this.path(new TextTest(Form.Regex, template.regex), path), sets);
  }

  ip(isSource: bool, text: string, path: string): Matcher {
    const block = parseIpBlock(text);
    if (block == null) {
      this.fields.fail(path, "expected an IP address or a block such as 10.0.0.0/8");
      return new AnyOf([]);
    }
    const slash = text.indexOf("/");
    const width = block.address.isV4 ? 32 : 128;
    const prefix = slash < 0 ? width : decimal(text.substring(slash + 1));
    const bits = this.sources.intern(new BitsSource(isSource));
    return new IpMatch(isSource, block, bits, bitsOf(block.address, prefix + 128 - width));
  }

  port(port: i32, path: string): Matcher {
    const source = this.sources.intern(new PortSource());
    return this.text(source, new TextTest(Form.Exact, port.toString()), path);
  }

  sni(test: TextTest, path: string): Matcher {
    return this.text(this.sources.intern(new SniSource()), test, path);
  }

  private principalSource(): Source {
    return this.sources.intern(new PrincipalSource());
  }

  principal(test: TextTest, path: string): Matcher {
    return this.text(this.principalSource(), test, path);
  }

  /** A principal of which these texts are known to stand between slashes. */
  principalWith(test: TextTest, parts: string[], path: string): Matcher {
    const source = this.sources.intern(new SegmentsSource(this.principalSource()));
    const sets: AnchorSet[] = [];
    for (let i = 0; i < parts.length; i++) {
      sets.push(new AnchorSet().add(new Anchor(source, Form.Exact, parts[i])));
    }
    return new Anchored(this.principal(test, path), sets);
  }

  /** A claim that must be a text, or may be a list of which one text is enough. */
  claim(way: string[], lists: bool, test: TextTest, path: string): Matcher {
    const name = `${lists ? "claim" : "text claim"} ${way.join(".")}`;
    return this.text(this.sources.intern(new ClaimSource(name, way, lists)), test, path);
  }

  /** A text, or a list's, in what other filters left on the stream. */
  property(way: string[], lists: bool, test: TextTest, path: string): Matcher {
    const name = `${lists ? "list" : "text"} ${way.join(".")}`;
    return this.text(this.sources.intern(new PropertySource(name, way, lists)), test, path);
  }
}
