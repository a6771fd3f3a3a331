import { emit } from "./regex-node";
import { RegexParser } from "./regex-parser";
import { Instruction, isWord, Op } from "./regex-program";

/**
 * A regular expression in RE2's syntax that runs in time linear in the text: all ways through the program are followed at
 * once, none is ever tried again.
 */
export class Regex {
  private readonly code: Instruction[] = [];
  /** Program positions alive at this character and at the next, and the step at which each was last entered. */
  private now: i32[] = [];
  private next: i32[] = [];
  private marks: i32[] = [];
  private step: i32 = 0;
  /** Why the expression is refused; "" = usable. */
  error: string = "";

  constructor(source: string) {
    const parser = new RegexParser(source);
    const node = parser.parse();
    this.error = parser.error;
    if (this.error == "" && !emit(node, this.code)) this.error = "expression is too large";
    this.code.push(new Instruction(Op.Match));
    for (let i = 0; i < this.code.length; i++) this.marks.push(0);
  }

  /** Does the expression match the whole text? False for a refused expression. */
  matches(text: string): bool {
    if (this.error != "") return false;
    this.now.length = 0;
    this.step++;
    this.enter(this.now, 0, text, 0);
    for (let at = 0; at < text.length; at++) {
      if (this.now.length == 0) return false;
      const c = text.charCodeAt(at);
      this.step++;
      this.next.length = 0;
      for (let i = 0; i < this.now.length; i++) {
        const pc = this.now[i];
        const instruction = this.code[pc];
        const set = instruction.set;
        if (set != null && set.has(c)) this.enter(this.next, pc + 1, text, at + 1);
      }
      const spare = this.now;
      this.now = this.next;
      this.next = spare;
    }
    const last = this.code.length - 1;
    return this.marks[last] == this.step;
  }

  private stack: i32[] = [];

  /** Adds `pc` and all that is reached from it without consuming. An explicit stack: a program cannot overflow the guest's. */
  private enter(list: i32[], from: i32, text: string, at: i32): void {
    const stack = this.stack;
    stack.push(from);
    while (stack.length > 0) {
      const pc = stack.pop();
      if (this.marks[pc] == this.step) continue;
      this.marks[pc] = this.step;
      const instruction = this.code[pc];
      const op = instruction.op;
      if (op == Op.Class) list.push(pc);
      else if (op == Op.Jump) stack.push(instruction.a);
      else if (op == Op.Split) {
        stack.push(instruction.b);
        stack.push(instruction.a);
      } else if (op != Op.Match && this.holds(op, text, at)) stack.push(pc + 1);
    }
  }

  private holds(op: Op, text: string, at: i32): bool {
    if (op == Op.Begin) return at == 0;
    if (op == Op.End) return at == text.length;
    const before = at > 0 && isWord(text.charCodeAt(at - 1));
    const after = at < text.length && isWord(text.charCodeAt(at));
    return (before != after) == (op == Op.Boundary);
  }
}
