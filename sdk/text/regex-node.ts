import { CharClass, Instruction, Op } from "./regex-program";

/** Longest program; a larger expression is refused, so that matching stays cheap. */
const MAX_PROGRAM = 8192;

export enum NodeKind {
  Empty = 0,
  Class = 1,
  Concat = 2,
  Alternate = 3,
  Repeat = 4,
  Assert = 5,
}

/** One node of a parsed expression. */
export class RegexNode {
  readonly children: RegexNode[] = [];
  set: CharClass | null = null;
  assertion: Op = Op.Begin;
  least: i32 = 0;
  /** -1 = no limit. */
  most: i32 = -1;
  constructor(readonly kind: NodeKind) {}
}

/** Appends the code of `node`; false once the program is too long. */
export function emit(node: RegexNode, code: Instruction[]): bool {
  if (code.length > MAX_PROGRAM) return false;
  const kind = node.kind;
  if (kind == NodeKind.Class) {
    const instruction = new Instruction(Op.Class);
    instruction.set = node.set;
    code.push(instruction);
  } else if (kind == NodeKind.Assert) {
    code.push(new Instruction(node.assertion));
  } else if (kind == NodeKind.Concat) {
    for (let i = 0; i < node.children.length; i++) if (!emit(node.children[i], code)) return false;
  } else if (kind == NodeKind.Alternate) {
    return emitAlternate(node, code);
  } else if (kind == NodeKind.Repeat) {
    return emitRepeat(node, code);
  }
  return code.length <= MAX_PROGRAM;
}

function emitAlternate(node: RegexNode, code: Instruction[]): bool {
  const jumps: Instruction[] = [];
  const last = node.children.length - 1;
  for (let i = 0; i <= last; i++) {
    const split = new Instruction(Op.Split);
    if (i < last) {
      code.push(split);
      split.a = code.length;
    }
    if (!emit(node.children[i], code)) return false;
    if (i < last) {
      const jump = new Instruction(Op.Jump);
      code.push(jump);
      jumps.push(jump);
      split.b = code.length;
    }
  }
  for (let i = 0; i < jumps.length; i++) jumps[i].a = code.length;
  return true;
}

function emitRepeat(node: RegexNode, code: Instruction[]): bool {
  const child = node.children[0];
  for (let i = 0; i < node.least; i++) if (!emit(child, code)) return false;
  if (node.most < 0) {
    const split = new Instruction(Op.Split);
    const at = code.length;
    code.push(split);
    split.a = code.length;
    if (!emit(child, code)) return false;
    const jump = new Instruction(Op.Jump);
    jump.a = at;
    code.push(jump);
    split.b = code.length;
    return true;
  }
  const splits: Instruction[] = [];
  for (let i = node.least; i < node.most; i++) {
    const split = new Instruction(Op.Split);
    code.push(split);
    split.a = code.length;
    splits.push(split);
    if (!emit(child, code)) return false;
  }
  for (let i = 0; i < splits.length; i++) splits[i].b = code.length;
  return true;
}
