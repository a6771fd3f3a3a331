import { AnchorSet } from "./anchor";
import { Facts } from "./facts";
import { Matcher } from "./matcher";
import { Source, Sources } from "./source";
import { Finder, TextIndex } from "./text-index";

/** One rule of a policy (or a whole one of Envoy's RBAC), by the id it is reported under. */
export class Rule {
  constructor(
    readonly id: string,
    readonly matcher: Matcher,
  ) {}
}

/** The rules of one action in the order of their ids, as Envoy keeps them: the first that matches counts. */
export class RuleSet extends Finder {
  readonly rules: Rule[] = [];
  private readonly indexes: (TextIndex | null)[] = [];
  private sources: Source[] = [];
  /** Rules no index can leave out. */
  private readonly rest: i32[] = [];
  private facts: Facts | null = null;
  private best: i32 = 0;

  add(rule: Rule): void {
    this.rules.push(rule);
  }

  /** To be called once, when all rules are there. Each waits under the set of anchors fewest others wait under. */
  prepare(sources: Sources): void {
    this.rules.sort(byId);
    for (let i = 0; i < sources.all.length; i++) this.indexes.push(null);
    const rules = this.rules;
    const demand = new Demand(sources.all.length);
    const sets: AnchorSet[][] = [];
    for (let i = 0; i < rules.length; i++) {
      sets.push(rules[i].matcher.anchors());
      for (let k = 0; k < sets[i].length; k++) demand.count(sets[i][k]);
    }
    for (let i = 0; i < rules.length; i++) {
      const set = demand.best(sets[i]);
      if (set == null) this.rest.push(i);
      else this.index(set, i);
    }
    this.sources.sort((a, b) => a.cost - b.cost);
  }

  private index(set: AnchorSet, ordinal: i32): void {
    for (let i = 0; i < set.anchors.length; i++) {
      const anchor = set.anchors[i];
      const slot = anchor.source.slot;
      let index = this.indexes[slot];
      if (index == null) {
        this.indexes[slot] = index = new TextIndex();
        this.sources.push(anchor.source);
      }
      index.add(anchor.form, anchor.text, ordinal);
    }
  }

  /** The place of the first rule that matches, or -1. */
  first(facts: Facts): i32 {
    this.facts = facts;
    this.best = this.rules.length;
    this.found(this.rest);
    for (let i = 0; i < this.sources.length && this.best > 0; i++) {
      const source = this.sources[i];
      const values = facts.of(source);
      const index = this.indexes[source.slot] as TextIndex;
      for (let k = 0; k < values.length; k++) index.find(values[k], this);
    }
    this.facts = null;
    return this.best < this.rules.length ? this.best : -1;
  }

  found(ordinals: i32[]): void {
    const facts = this.facts as Facts;
    for (let i = 0; i < ordinals.length; i++) {
      const ordinal = unchecked(ordinals[i]);
      if (ordinal >= this.best) return;
      if (unchecked(this.rules[ordinal]).matcher.matches(facts)) this.best = ordinal;
    }
  }

  /** The same without an index, rule by rule. */
  firstOfAll(facts: Facts): i32 {
    for (let i = 0; i < this.rules.length; i++) if (this.rules[i].matcher.matches(facts)) return i;
    return -1;
  }
}

/** How many rules could wait under each anchor. */
class Demand {
  private readonly indexes: (TextIndex | null)[] = [];

  constructor(sources: i32) {
    for (let i = 0; i < sources; i++) this.indexes.push(null);
  }

  count(set: AnchorSet): void {
    for (let i = 0; i < set.anchors.length; i++) {
      const anchor = set.anchors[i];
      let index = this.indexes[anchor.source.slot];
      if (index == null) this.indexes[anchor.source.slot] = index = new TextIndex();
      index.add(anchor.form, anchor.text, 0);
    }
  }

  /** Fewest others; then the cheapest to ask, then the longest text. */
  best(sets: AnchorSet[]): AnchorSet | null {
    let best: AnchorSet | null = null;
    let least: i64 = i64.MAX_VALUE;
    for (let i = 0; i < sets.length; i++) {
      const weight = this.weight(sets[i]);
      if (weight >= least) continue;
      least = weight;
      best = sets[i];
    }
    return best;
  }

  private weight(set: AnchorSet): i64 {
    let worst: i64 = 0;
    for (let i = 0; i < set.anchors.length; i++) {
      const anchor = set.anchors[i];
      const index = this.indexes[anchor.source.slot] as TextIndex;
      const others = <i64>index.load(anchor.form, anchor.text);
      const cost = <i64>anchor.source.cost * 4 + <i64>anchor.form;
      const short = <i64>max(255 - anchor.text.length, 0);
      worst = max(worst, (others << 16) + (cost << 8) + short);
    }
    return worst;
  }
}

/** In the order of bytes, as Envoy sorts ids. */
export function byId(a: Rule, b: Rule): i32 {
  const left = a.id;
  const right = b.id;
  for (let i = 0; i < left.length && i < right.length; i++) {
    const x = left.charCodeAt(i);
    const y = right.charCodeAt(i);
    if (x == y) continue;
    // Halves of a pair stand for what comes after all others.
    const xPair = (x & 0xf800) == 0xd800;
    const yPair = (y & 0xf800) == 0xd800;
    return xPair == yPair ? x - y : xPair ? 1 : -1;
  }
  return left.length - right.length;
}
