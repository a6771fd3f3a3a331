import { Source } from "./source";
import { Form } from "./text-test";

/** Something an index can look up: a source with a value of that text, or one that begins or ends with it. */
export class Anchor {
  constructor(
    readonly source: Source,
    readonly form: Form,
    readonly text: string,
  ) {}
}

/** Whatever matches has at least one of `anchors`. An empty set: nothing matches. */
export class AnchorSet {
  readonly anchors: Anchor[] = [];

  add(anchor: Anchor): AnchorSet {
    this.anchors.push(anchor);
    return this;
  }

  addAll(other: AnchorSet): void {
    for (let i = 0; i < other.anchors.length; i++) this.anchors.push(other.anchors[i]);
  }

  /** The source all anchors look at, or null. */
  get source(): Source | null {
    if (this.anchors.length == 0) return null;
    const source = this.anchors[0].source;
    for (let i = 1; i < this.anchors.length; i++) if (this.anchors[i].source != source) return null;
    return source;
  }
}

/** More anchors for one rule cost more than they save. */
const MOST = 64;

/**
 * Sets for "any of these", from the sets of each: those over the same source joined, and the first of each as one more.
 * Empty when one of them has none.
 */
export function joinAnchors(each: AnchorSet[][]): AnchorSet[] {
  if (each.length == 1) return each[0];
  const joined: AnchorSet[] = [];
  for (let i = 0; i < each.length; i++) if (each[i].length == 0) return joined;
  const first = new AnchorSet();
  for (let i = 0; i < each.length; i++) first.addAll(each[i][0]);
  if (first.anchors.length <= MOST) joined.push(first);
  if (each.length == 0) return joined;
  for (let k = 0; k < each[0].length; k++) {
    const source = each[0][k].source;
    if (source == null || source == first.source) continue;
    const set = joinOver(source, each);
    if (set != null && set.anchors.length <= MOST) joined.push(set);
  }
  return joined;
}

function joinOver(source: Source, each: AnchorSet[][]): AnchorSet | null {
  const set = new AnchorSet();
  for (let i = 0; i < each.length; i++) {
    let found: AnchorSet | null = null;
    for (let k = 0; k < each[i].length && found == null; k++) {
      if (each[i][k].source == source) found = each[i][k];
    }
    if (found == null) return null;
    set.addAll(found);
  }
  return set;
}
