import { Fields } from "proxy-wasm-toolkit/sdk/text/fields";
import { IpAddress, IpBlock, parseIpBlock } from "proxy-wasm-toolkit/sdk/text/ip";
import { PathMatch } from "./path-match";
import { RequestFacts } from "./request";
import { anyMatches, ValueMatch } from "./string-forms";

/** What a condition looks at. */
export enum Subject {
  SourceIp = 0,
  DestinationIp = 1,
  DestinationPort = 2,
  Host = 3,
  Method = 4,
  Path = 5,
  Header = 6,
}

/** One field of a rule: its values ORed, the whole negated for `not...`. A missing attribute matches no value. */
export class Condition {
  private values: ValueMatch[] = [];
  private paths: PathMatch[] = [];
  private blocks: IpBlock[] = [];
  private ports: i32[] = [];

  constructor(
    private readonly subject: Subject,
    private readonly negated: bool,
    private readonly header: string = "",
  ) {}

  /** Compiles the values; errors name `path[i]`. */
  read(fields: Fields, texts: string[], path: string): this {
    if (texts.length == 0) fields.fail(path, "must not be empty");
    for (let i = 0; i < texts.length; i++) this.readValue(fields, texts[i], `${path}[${i.toString()}]`);
    return this;
  }

  private readValue(fields: Fields, text: string, path: string): void {
    const subject = this.subject;
    if (text == "") fields.fail(path, "must not be empty");
    if (subject == Subject.SourceIp || subject == Subject.DestinationIp) {
      const block = parseIpBlock(text);
      if (block == null) fields.fail(path, "expected an IP address or a CIDR block");
      else this.blocks.push(block);
    } else if (subject == Subject.DestinationPort) {
      const port = portOf(text);
      if (port < 0) fields.fail(path, "expected a port from 0 to 65535");
      this.ports.push(port);
    } else if (subject == Subject.Path) this.paths.push(PathMatch.read(fields, text, path));
    else this.values.push(new ValueMatch(text, subject == Subject.Host));
  }

  holds(request: RequestFacts): bool {
    return this.matches(request) != this.negated;
  }

  private matches(request: RequestFacts): bool {
    const subject = this.subject;
    if (subject == Subject.Method) return anyMatches(this.values, request.first(":method"));
    if (subject == Subject.Host) return anyMatches(this.values, request.first(":authority"));
    if (subject == Subject.DestinationPort) return this.ports.includes(request.destinationPort);
    if (subject == Subject.SourceIp) return this.inBlocks(request.sourceIp);
    if (subject == Subject.DestinationIp) return this.inBlocks(request.destinationIp);
    if (subject == Subject.Header) {
      const values = request.values(this.header);
      for (let i = 0; i < values.length; i++) if (anyMatches(this.values, values[i])) return true;
      return false;
    }
    for (let i = 0; i < this.paths.length; i++) if (this.paths[i].matches(request.path)) return true;
    return false;
  }

  private inBlocks(address: IpAddress | null): bool {
    if (address == null) return false;
    for (let i = 0; i < this.blocks.length; i++) if (this.blocks[i].contains(address)) return true;
    return false;
  }
}

function portOf(text: string): i32 {
  if (text.length == 0 || text.length > 5) return -1;
  let port = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c < 48 || c > 57) return -1;
    port = port * 10 + (c - 48);
  }
  return port <= 65535 ? port : -1;
}

export function allHold(conditions: Condition[], request: RequestFacts): bool {
  for (let i = 0; i < conditions.length; i++) if (!conditions[i].holds(request)) return false;
  return true;
}
