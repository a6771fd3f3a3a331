import { NodeKind, RegexNode } from "./regex-node";
import { CharClass, Op } from "./regex-program";

const MAX_REPEAT = 1000;
const MAX_DEPTH = 100;
const LAST = 0xffff;

/** Reads RE2's syntax, as far as a sidecar's configurations use it; `error` says what is not understood. */
export class RegexParser {
  error: string = "";
  private at: i32 = 0;
  private depth: i32 = 0;
  private fold: bool = false;
  private dotAll: bool = false;

  constructor(private readonly source: string) {}

  parse(): RegexNode {
    const node = this.alternation();
    if (this.error == "" && this.at < this.source.length) this.fail("unmatched )");
    return node;
  }

  private fail(why: string): void {
    if (this.error == "") this.error = `${why} at offset ${this.at.toString()}`;
  }

  private peek(): i32 {
    return this.at < this.source.length ? this.source.charCodeAt(this.at) : -1;
  }

  private alternation(): RegexNode {
    const node = new RegexNode(NodeKind.Alternate);
    if (++this.depth > MAX_DEPTH) this.fail("nested too deep");
    while (this.error == "") {
      node.children.push(this.sequence());
      if (this.peek() != 124) break;
      this.at++;
    }
    this.depth--;
    return node;
  }

  private sequence(): RegexNode {
    const node = new RegexNode(NodeKind.Concat);
    for (let c = this.peek(); c >= 0 && c != 124 && c != 41 && this.error == ""; c = this.peek()) {
      node.children.push(this.repeats(this.atom()));
    }
    return node;
  }

  private repeats(atom: RegexNode): RegexNode {
    const c = this.peek();
    let least = 0;
    let most = -1;
    if (c == 42) this.at++;
    else if (c == 43) {
      least = 1;
      this.at++;
    } else if (c == 63) {
      most = 1;
      this.at++;
    } else if (c != 123 || !this.braces()) return atom;
    else {
      least = this.braceLeast;
      most = this.braceMost;
    }
    // Lazy or greedy makes no difference to whether a text matches.
    if (this.peek() == 63) this.at++;
    const next = this.peek();
    if (next == 42 || next == 43 || (next == 63 && this.error == "")) this.fail("nested repetition operator");
    const node = new RegexNode(NodeKind.Repeat);
    node.children.push(atom);
    node.least = least;
    node.most = most;
    return node;
  }

  private braceLeast: i32 = 0;
  private braceMost: i32 = 0;

  private integer(): i32 {
    const from = this.at;
    let value = 0;
    for (let c = this.peek(); c >= 48 && c <= 57; c = this.peek()) {
      value = min(value * 10 + (c - 48), MAX_REPEAT + 1);
      this.at++;
    }
    return this.at == from ? -1 : value;
  }

  /** `{m}`, `{m,}`, `{m,n}`; anything else is a literal brace, as in RE2. */
  private braces(): bool {
    const from = this.at;
    this.at++;
    const least = this.integer();
    let most = least;
    if (least >= 0 && this.peek() == 44) {
      this.at++;
      most = this.integer();
    }
    if (least < 0 || this.peek() != 125) {
      this.at = from;
      return false;
    }
    this.at++;
    if (least > MAX_REPEAT || most > MAX_REPEAT || (most >= 0 && most < least))
      this.fail("bad repetition count");
    this.braceLeast = least;
    this.braceMost = most;
    return true;
  }

  private assertion(op: Op): RegexNode {
    const node = new RegexNode(NodeKind.Assert);
    node.assertion = op;
    return node;
  }

  private charClass(set: CharClass): RegexNode {
    const node = new RegexNode(NodeKind.Class);
    if (this.fold) set.foldCase();
    node.set = set;
    return node;
  }

  private literal(c: i32): RegexNode {
    const set = new CharClass();
    set.add(c, c);
    return this.charClass(set);
  }

  private atom(): RegexNode {
    const c = this.peek();
    if (c == 40) return this.group();
    if (c == 91) return this.bracket();
    if (c == 42 || c == 43 || c == 63) this.fail("nothing to repeat");
    this.at++;
    if (c == 94) return this.assertion(Op.Begin);
    if (c == 36) return this.assertion(Op.End);
    if (c == 92) return this.escape();
    if (c != 46) return this.literal(c);
    const set = new CharClass();
    if (!this.dotAll) set.add(10, 10);
    set.negated = true;
    const node = new RegexNode(NodeKind.Class);
    node.set = set;
    return node;
  }

  private group(): RegexNode {
    this.at++;
    const fold = this.fold;
    const dotAll = this.dotAll;
    if (this.peek() == 63) {
      this.at++;
      if (this.flags()) return new RegexNode(NodeKind.Empty);
    }
    const node = this.alternation();
    if (this.peek() != 41) this.fail("missing )");
    this.at++;
    this.fold = fold;
    this.dotAll = dotAll;
    return node;
  }

  /** After `(?`: `:`, flags, or a name. True when the flags hold for the rest of the enclosing group: `(?i)`. */
  private flags(): bool {
    if (this.source.startsWith("P<", this.at) || this.source.startsWith("<", this.at)) {
      const end = this.source.indexOf(">", this.at);
      if (end < 0) this.fail("bad group name");
      else this.at = end + 1;
      return false;
    }
    let on = true;
    while (true) {
      const c = this.peek();
      this.at++;
      if (c == 105) this.fold = on;
      else if (c == 115) this.dotAll = on;
      else if (c == 45) on = false;
      else if (c == 58) return false;
      else if (c == 41) return true;
      else {
        this.fail("unsupported group (only (?:, (?i), (?s) and names)");
        return false;
      }
    }
  }

  /** Adds `\d`, `\w`, `\s` to a class; false when `c` names none of them. */
  private perl(c: i32, set: CharClass): bool {
    if (c == 100) set.add(48, 57);
    else if (c == 119) {
      set.add(48, 57);
      set.add(65, 90);
      set.add(95, 95);
      set.add(97, 122);
    } else if (c == 115) {
      set.add(9, 10);
      set.add(12, 13);
      set.add(32, 32);
    } else return false;
    return true;
  }

  /** Code of a character escape, the cursor after the backslash; -1 (and an error) when it is none. */
  private escaped(): i32 {
    const c = this.peek();
    this.at++;
    if (c == 110) return 10;
    if (c == 114) return 13;
    if (c == 116) return 9;
    if (c == 102) return 12;
    if (c == 118) return 11;
    if (c == 97) return 7;
    if (c == 120) {
      const code = this.at + 2 <= this.source.length ? I32.parseInt(this.source.substr(this.at, 2), 16) : -1;
      this.at += 2;
      if (code >= 0) return code;
    }
    const alphanumeric = (c >= 48 && c <= 57) || (c >= 65 && c <= 90) || (c >= 97 && c <= 122);
    if (c < 0 || alphanumeric) this.fail("unsupported escape");
    return c;
  }

  private escape(): RegexNode {
    const c = this.peek();
    const set = new CharClass();
    if (this.perl(c | 32, set) && ((c >= 65 && c <= 90) || (c >= 97 && c <= 122))) {
      this.at++;
      set.negated = c < 97;
      const node = new RegexNode(NodeKind.Class);
      node.set = set;
      return node;
    }
    if (c == 98 || c == 66 || c == 65 || c == 122) {
      this.at++;
      return this.assertion(c == 98 ? Op.Boundary : c == 66 ? Op.NotBoundary : c == 65 ? Op.Begin : Op.End);
    }
    return this.literal(this.escaped());
  }

  private bracket(): RegexNode {
    const set = new CharClass();
    this.at++;
    if (this.peek() == 94) {
      set.negated = true;
      this.at++;
    }
    let first = true;
    while (this.error == "") {
      let c = this.peek();
      if (c < 0) this.fail("missing ]");
      if (c == 93 && !first) break;
      first = false;
      if (this.source.startsWith("[:", this.at)) this.fail("unsupported [: :] class");
      this.at++;
      if (c == 92) {
        if (this.perl(this.peek(), set)) {
          this.at++;
          continue;
        }
        c = this.escaped();
      }
      let to = c;
      if (
        this.peek() == 45 &&
        this.at + 1 < this.source.length &&
        this.source.charCodeAt(this.at + 1) != 93
      ) {
        this.at++;
        to = this.peek();
        this.at++;
        if (to == 92) to = this.escaped();
        if (to < c || to > LAST) this.fail("bad range");
      }
      set.add(c, to);
    }
    this.at++;
    return this.charClass(set);
  }
}
