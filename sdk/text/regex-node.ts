import { Op, Program, RuneClass } from "./regex-program";
import { RuneSet } from "./rune-set";

/** One node of a parsed expression. */
export abstract class RegexNode {
  /** Appends the node's code, or as much as still fits. */
  abstract emit(program: Program): void;
}

/** One code point of a set. */
export class ClassNode extends RegexNode {
  private index: i32 = -1;
  constructor(private readonly set: RuneSet) {
    super();
  }

  emit(program: Program): void {
    if (this.index < 0) {
      this.index = program.classes.length;
      program.classes.push(new RuneClass(this.set));
    }
    program.add(Op.Class, this.index);
  }
}

/** Something that consumes nothing: an anchor or a boundary. */
export class AssertNode extends RegexNode {
  constructor(private readonly op: Op) {
    super();
  }

  emit(program: Program): void {
    program.add(this.op);
  }
}

/** Parts one after the other; none at all is the empty expression. */
export class SequenceNode extends RegexNode {
  readonly parts: RegexNode[] = [];

  emit(program: Program): void {
    for (let i = 0; i < this.parts.length && !program.tooLong; i++) this.parts[i].emit(program);
  }
}

/** Any one of several. */
export class AlternateNode extends RegexNode {
  readonly choices: RegexNode[] = [];

  emit(program: Program): void {
    const jumps: i32[] = [];
    const last = this.choices.length - 1;
    for (let i = 0; i <= last && !program.tooLong; i++) {
      const split = i < last ? program.add(Op.Split, program.length + 1) : -1;
      this.choices[i].emit(program);
      if (i < last) {
        jumps.push(program.add(Op.Jump));
        program.b[split] = program.length;
      }
    }
    for (let i = 0; i < jumps.length; i++) program.a[jumps[i]] = program.length;
  }
}

/** `child` from `least` to `most` times; -1 = any number. Greedy or lazy makes no difference to a match. */
export class RepeatNode extends RegexNode {
  constructor(
    private readonly child: RegexNode,
    private readonly least: i32,
    private readonly most: i32,
  ) {
    super();
  }

  emit(program: Program): void {
    for (let i = 0; i < this.least && !program.tooLong; i++) this.child.emit(program);
    if (this.most < 0) {
      const split = program.add(Op.Split, program.length + 1);
      this.child.emit(program);
      program.add(Op.Jump, split);
      program.b[split] = program.length;
      return;
    }
    const splits: i32[] = [];
    for (let i = this.least; i < this.most && !program.tooLong; i++) {
      splits.push(program.add(Op.Split, program.length + 1));
      this.child.emit(program);
    }
    for (let i = 0; i < splits.length; i++) program.b[splits[i]] = program.length;
  }
}
