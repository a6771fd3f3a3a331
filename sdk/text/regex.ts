import { isWord } from "./regex-classes";
import { RegexParser } from "./regex-parser";
import { Op, Program, RuneClass } from "./regex-program";

/** Program positions, each at most once; adding and clearing are cheap. */
class Threads {
  readonly positions: StaticArray<i32>;
  private readonly marks: StaticArray<i32>;
  private mark: i32 = 1;
  count: i32 = 0;

  constructor(size: i32) {
    this.positions = new StaticArray<i32>(size);
    this.marks = new StaticArray<i32>(size);
  }

  clear(): void {
    this.count = 0;
    if (++this.mark != i32.MAX_VALUE) return;
    this.marks.fill(0);
    this.mark = 1;
  }

  has(position: i32): bool {
    return unchecked(this.marks[position]) == this.mark;
  }

  /** False when it is there already. */
  visit(position: i32): bool {
    if (unchecked(this.marks[position]) == this.mark) return false;
    unchecked((this.marks[position] = this.mark));
    return true;
  }

  push(position: i32): void {
    unchecked((this.positions[this.count++] = position));
  }
}

/**
 * A regular expression in RE2's syntax that runs in time linear in the text: all ways through the program are followed at
 * once, none is ever tried again. Bytes that are not UTF-8 match no class, not even `.`, as in RE2.
 */
export class Regex {
  private readonly ops: StaticArray<Op>;
  private readonly a: StaticArray<i32>;
  private readonly b: StaticArray<i32>;
  private readonly classes: StaticArray<RuneClass>;
  private now: Threads;
  private next: Threads;
  private readonly stack: StaticArray<i32>;
  /** Why the expression is refused; "" = usable. */
  readonly error: string;

  constructor(source: string) {
    const parser = new RegexParser(source);
    const node = parser.parse();
    const program = new Program();
    if (parser.error == "") node.emit(program);
    const end = program.add(Op.Match);
    this.error = program.tooLong ? "the expression is too large" : parser.error;
    this.ops = StaticArray.fromArray<Op>(program.ops);
    this.a = StaticArray.fromArray<i32>(program.a);
    this.b = StaticArray.fromArray<i32>(program.b);
    this.classes = StaticArray.fromArray<RuneClass>(program.classes);
    this.now = new Threads(end + 1);
    this.next = new Threads(end + 1);
    // Each visited position puts at most two others on the stack.
    this.stack = new StaticArray<i32>(2 * (end + 1) + 1);
  }

  /** Does the expression match the whole text? False for a refused expression. */
  matches(text: string): bool {
    if (this.error != "") return false;
    const classes = this.classes;
    this.now.clear();
    this.enter(this.now, 0, text, 0);
    for (let at = 0; at < text.length; ) {
      const now = this.now;
      if (now.count == 0) return false;
      const rune = runeAt(text, at);
      at += rune > 0xffff ? 2 : 1;
      const next = this.next;
      next.clear();
      for (let i = 0; i < now.count; i++) {
        const position = unchecked(now.positions[i]);
        if (rune >= 0 && unchecked(classes[unchecked(this.a[position])]).has(rune)) {
          this.enter(next, position + 1, text, at);
        }
      }
      this.next = now;
      this.now = next;
    }
    return this.now.has(this.ops.length - 1);
  }

  /** Adds `from` and all that is reached from it without consuming. */
  private enter(threads: Threads, from: i32, text: string, at: i32): void {
    const stack = this.stack;
    let top = 0;
    unchecked((stack[top++] = from));
    while (top > 0) {
      const position = unchecked(stack[--top]);
      if (!threads.visit(position)) continue;
      const op = unchecked(this.ops[position]);
      if (op == Op.Class) threads.push(position);
      else if (op == Op.Split) {
        unchecked((stack[top++] = this.b[position]));
        unchecked((stack[top++] = this.a[position]));
      } else if (op == Op.Jump) unchecked((stack[top++] = this.a[position]));
      else if (op != Op.Match && holds(op, text, at)) unchecked((stack[top++] = position + 1));
    }
  }
}

/** The code point at `at`, or -1 for half a surrogate pair: a byte that is not UTF-8. */
function runeAt(text: string, at: i32): i32 {
  const c = text.charCodeAt(at);
  if ((c & 0xf800) != 0xd800) return c;
  const rune = text.codePointAt(at);
  return rune > 0xffff ? rune : -1;
}

/** Whether an assertion holds before the character at `at`. */
function holds(op: Op, text: string, at: i32): bool {
  const before = at > 0 ? text.charCodeAt(at - 1) : -1;
  const after = at < text.length ? text.charCodeAt(at) : -1;
  if (op == Op.Begin) return before < 0;
  if (op == Op.End) return after < 0;
  if (op == Op.BeginLine) return before < 0 || before == 10;
  if (op == Op.EndLine) return after < 0 || after == 10;
  return (isWord(before) != isWord(after)) == (op == Op.Boundary);
}
