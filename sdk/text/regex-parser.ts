import { perlClass, posixClass } from "./regex-classes";
import { RegexLexer } from "./regex-lexer";
import { AlternateNode, AssertNode, ClassNode, RegexNode, RepeatNode, SequenceNode } from "./regex-node";
import { Op } from "./regex-program";
import { MAX_RUNE, RuneSet } from "./rune-set";

const MAX_REPEAT = 1000;
const MAX_DEPTH = 100;

/**
 * Reads RE2's syntax: all of it but Unicode classes (`\pN`), `\C`, and letters beyond ASCII under `(?i)`, which are
 * refused with a clear error like the look-arounds and back-references that RE2 itself refuses.
 */
export class RegexParser {
  private readonly lexer: RegexLexer;
  private readonly names: string[] = [];
  private depth: i32 = 0;
  /** `(?i)`, `(?s)`, `(?m)`. */
  private fold: bool = false;
  private dotAll: bool = false;
  private multiline: bool = false;

  constructor(source: string) {
    this.lexer = new RegexLexer(source);
  }

  get error(): string {
    return this.lexer.error;
  }

  parse(): RegexNode {
    const node = this.alternation();
    if (this.lexer.more) this.lexer.fail("unmatched )");
    return node;
  }

  private alternation(): RegexNode {
    const node = new AlternateNode();
    if (++this.depth > MAX_DEPTH) this.lexer.fail("nested deeper than 100");
    do node.choices.push(this.sequence());
    while (this.lexer.takeText("|"));
    this.depth--;
    return node.choices.length == 1 ? node.choices[0] : node;
  }

  private sequence(): RegexNode {
    const node = new SequenceNode();
    const parts = node.parts;
    let repeated = false;
    for (let c = this.lexer.peek(); c >= 0 && c != 124 && c != 41; c = this.lexer.peek()) {
      if (this.operator(c)) {
        if (parts.length == 0) this.lexer.fail("nothing to repeat");
        else if (repeated) this.lexer.fail("two repetition operators in a row");
        else parts.push(new RepeatNode(parts.pop(), this.least, this.most));
        repeated = true;
      } else {
        repeated = false;
        if (c == 92 && this.lexer.takeText("\\Q")) this.quoted(parts);
        else this.atom(parts);
      }
    }
    return node;
  }

  private least: i32 = 0;
  private most: i32 = 0;

  /** Takes `*`, `+`, `?`, `{m,n}` with their lazy forms; a brace that is no count is a literal, as in RE2. */
  private operator(c: i32): bool {
    if (c == 42) this.count(0, -1);
    else if (c == 43) this.count(1, -1);
    else if (c == 63) this.count(0, 1);
    else if (c != 123 || !this.braces()) return false;
    this.lexer.takeText("?");
    return true;
  }

  private count(least: i32, most: i32): void {
    this.lexer.at++;
    this.least = least;
    this.most = most;
  }

  private braces(): bool {
    const lexer = this.lexer;
    const from = lexer.at++;
    const least = lexer.takeNumber();
    const comma = lexer.takeText(",");
    const open = comma && lexer.peek() == 125;
    const most = open ? -1 : comma ? lexer.takeNumber() : least;
    if (least < 0 || (most < 0 && !open) || !lexer.takeText("}")) {
      lexer.at = from;
      return false;
    }
    if (least > MAX_REPEAT || most > MAX_REPEAT || (!open && most < least))
      lexer.fail("bad repetition count");
    this.least = least;
    this.most = most;
    return true;
  }

  /** After `\Q`: literal text up to `\E` or the end. */
  private quoted(parts: RegexNode[]): void {
    while (this.lexer.more && !this.lexer.takeText("\\E")) parts.push(this.literal(this.lexer.take()));
  }

  private literal(c: i32): RegexNode {
    const set = new RuneSet();
    set.add(c, c);
    return this.positive(set);
  }

  /** A class as it was written, folded when `(?i)` holds. */
  private positive(set: RuneSet): RegexNode {
    this.applyFold(set);
    return new ClassNode(set);
  }

  private applyFold(set: RuneSet): void {
    if (!this.fold) return;
    if (!set.isAscii) this.lexer.fail("characters beyond ASCII are not supported under (?i)");
    set.foldCase();
  }

  /** Takes what is no operator. */
  private atom(parts: RegexNode[]): void {
    const lexer = this.lexer;
    const c = lexer.take();
    if (c == 40) this.group(parts);
    else if (c == 91) parts.push(this.bracket());
    else if (c == 94) parts.push(new AssertNode(this.multiline ? Op.BeginLine : Op.Begin));
    else if (c == 36) parts.push(new AssertNode(this.multiline ? Op.EndLine : Op.End));
    else if (c == 92) parts.push(this.escape());
    else if (c == 46) {
      const newline = new RuneSet();
      if (!this.dotAll) newline.add(10, 10);
      parts.push(new ClassNode(newline.negated()));
    } else parts.push(this.literal(c));
  }

  private escape(): RegexNode {
    const lexer = this.lexer;
    const c = lexer.peek();
    const set = this.perl();
    if (set != null) return new ClassNode(set);
    if (c == 98 || c == 66 || c == 65 || c == 122) {
      lexer.at++;
      return new AssertNode(c == 98 ? Op.Boundary : c == 66 ? Op.NotBoundary : c == 65 ? Op.Begin : Op.End);
    }
    if (c == 112 || c == 80) lexer.fail("Unicode classes are not supported");
    return this.literal(lexer.takeEscaped());
  }

  /** Takes the letter of `\d`, `\D`, ... after the backslash; null when there is none. */
  private perl(): RuneSet | null {
    const c = this.lexer.peek();
    const set = c >= 65 ? perlClass(c | 32) : null;
    if (set == null) return null;
    this.lexer.at++;
    this.applyFold(set);
    return c < 97 ? set.negated() : set;
  }

  private group(parts: RegexNode[]): void {
    const fold = this.fold;
    const dotAll = this.dotAll;
    const multiline = this.multiline;
    if (this.lexer.takeText("?") && this.flags()) return;
    parts.push(this.alternation());
    if (!this.lexer.takeText(")")) this.lexer.fail("missing )");
    this.fold = fold;
    this.dotAll = dotAll;
    this.multiline = multiline;
  }

  /** After `(?`: a name, or flags and `:`. True for flags and `)`, which hold to the end of the enclosing group. */
  private flags(): bool {
    const lexer = this.lexer;
    if (lexer.takeText("P<") || lexer.takeText("<")) {
      this.name();
      return false;
    }
    let on = true;
    let any = false;
    while (lexer.error == "") {
      const c = lexer.take();
      if (c == 45 && on) {
        on = false;
        any = false;
        continue;
      }
      if (c == 58 || c == 41) {
        if (!on && !any) lexer.fail("bad flags");
        return c == 41;
      }
      any = true;
      if (c == 105) this.fold = on;
      else if (c == 115) this.dotAll = on;
      else if (c == 109) this.multiline = on;
      else if (c != 85) lexer.fail("unsupported group (only (?:...), flags i, s, m, U and names)");
    }
    return true;
  }

  private name(): void {
    const lexer = this.lexer;
    const end = lexer.source.indexOf(">", lexer.at);
    const name = end < 0 ? "" : lexer.source.substring(lexer.at, end);
    let good = name.length > 0 && !this.names.includes(name);
    for (let i = 0; i < name.length; i++) {
      const c = name.charCodeAt(i);
      if (!((c >= 48 && c <= 57) || (c >= 65 && c <= 90) || c == 95 || (c >= 97 && c <= 122))) good = false;
    }
    if (good) lexer.at = end + 1;
    else lexer.fail("bad or repeated group name");
    this.names.push(name);
  }

  private bracket(): RegexNode {
    const lexer = this.lexer;
    const set = new RuneSet();
    const negated = lexer.takeText("^");
    let first = true;
    while (lexer.error == "") {
      if (!first && lexer.takeText("]")) return new ClassNode(negated ? set.negated() : set);
      first = false;
      if (lexer.peek() < 0) lexer.fail("missing ]");
      else if (!this.posix(set)) this.range(set);
    }
    return new ClassNode(set);
  }

  /** Takes `[:name:]` inside a class. */
  private posix(set: RuneSet): bool {
    const lexer = this.lexer;
    const source = lexer.source;
    if (!source.startsWith("[:", lexer.at)) return false;
    const end = source.indexOf(":]", lexer.at + 2);
    if (end < 0) return false;
    const negated = source.charCodeAt(lexer.at + 2) == 94;
    const found = posixClass(source.substring(lexer.at + (negated ? 3 : 2), end));
    if (found == null) {
      lexer.fail("unknown [:class:]");
      return true;
    }
    lexer.at = end + 2;
    this.applyFold(found);
    set.addAll(negated ? found.negated() : found);
    return true;
  }

  /** Takes a character, a range of them, or `\d` and the like inside a class. */
  private range(set: RuneSet): void {
    const lexer = this.lexer;
    if (lexer.takeText("\\")) {
      const perl = this.perl();
      if (perl != null) {
        set.addAll(perl);
        return;
      }
      lexer.at--;
    }
    const from = this.member();
    let to = from;
    if (
      lexer.peek() == 45 &&
      !lexer.source.startsWith("-]", lexer.at) &&
      lexer.at + 1 < lexer.source.length
    ) {
      lexer.at++;
      to = this.member();
      if (to < from) lexer.fail("bad range");
    }
    const part = new RuneSet();
    part.add(from, min(to, MAX_RUNE));
    this.applyFold(part);
    set.addAll(part);
  }

  private member(): i32 {
    return this.lexer.takeText("\\") ? this.lexer.takeEscaped() : this.lexer.take();
  }
}
