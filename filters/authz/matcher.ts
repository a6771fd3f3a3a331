import { AnchorSet, joinAnchors } from "./anchor";
import { Facts } from "./facts";
import { Cost } from "./source";

/** A condition on a request or connection. Policies of both kinds become trees of these. */
export abstract class Matcher {
  abstract matches(facts: Facts): bool;

  /** What asking costs. */
  get cost(): Cost {
    return Cost.Header;
  }

  /** Sets an index may use, any one of them; none when nothing can be said. */
  anchors(): AnchorSet[] {
    return [];
  }

  /** How many parts do not hold; what each would have needed goes into `notes`. */
  misses(facts: Facts, notes: string[]): i32 {
    return this.matches(facts) ? 0 : 1;
  }
}

/** All of them; none at all holds. */
export class AllOf extends Matcher {
  private readonly parts: Matcher[];

  /** Cheap parts are asked first: the order does not change the answer. */
  constructor(parts: Matcher[]) {
    super();
    this.parts = parts.slice(0).sort((a, b) => a.cost - b.cost);
  }

  get cost(): Cost {
    return this.parts.length == 0 ? Cost.Header : this.parts[this.parts.length - 1].cost;
  }

  matches(facts: Facts): bool {
    const parts = this.parts;
    for (let i = 0; i < parts.length; i++) if (!parts[i].matches(facts)) return false;
    return true;
  }

  anchors(): AnchorSet[] {
    let sets: AnchorSet[] = [];
    for (let i = 0; i < this.parts.length; i++) sets = sets.concat(this.parts[i].anchors());
    return sets;
  }

  misses(facts: Facts, notes: string[]): i32 {
    let count = 0;
    for (let i = 0; i < this.parts.length; i++) count += this.parts[i].misses(facts, notes);
    return count;
  }
}

/** Any of them; none at all does not hold. */
export class AnyOf extends Matcher {
  constructor(private readonly parts: Matcher[]) {
    super();
  }

  get cost(): Cost {
    let cost = Cost.Header;
    for (let i = 0; i < this.parts.length; i++) cost = max(cost, this.parts[i].cost);
    return cost;
  }

  matches(facts: Facts): bool {
    const parts = this.parts;
    for (let i = 0; i < parts.length; i++) if (parts[i].matches(facts)) return true;
    return false;
  }

  anchors(): AnchorSet[] {
    const each: AnchorSet[][] = [];
    for (let i = 0; i < this.parts.length; i++) each.push(this.parts[i].anchors());
    return joinAnchors(each);
  }

  /** The nearest of them speaks. */
  misses(facts: Facts, notes: string[]): i32 {
    let least = this.parts.length == 0 ? 1 : i32.MAX_VALUE;
    let said: string[] = [];
    for (let i = 0; i < this.parts.length && least > 0; i++) {
      const own: string[] = [];
      const count = this.parts[i].misses(facts, own);
      if (count >= least) continue;
      least = count;
      said = own;
    }
    for (let i = 0; i < said.length; i++) notes.push(said[i]);
    return least;
  }
}

export class Not extends Matcher {
  constructor(private readonly inner: Matcher) {
    super();
  }

  get cost(): Cost {
    return this.inner.cost;
  }

  matches(facts: Facts): bool {
    return !this.inner.matches(facts);
  }
}

export class Always extends Matcher {
  matches(facts: Facts): bool {
    return true;
  }
}

/** One field of a rule, with the name an explanation gives it. */
export class Field extends Matcher {
  constructor(
    private readonly label: string,
    private readonly inner: Matcher,
  ) {
    super();
  }

  get cost(): Cost {
    return this.inner.cost;
  }

  matches(facts: Facts): bool {
    return this.inner.matches(facts);
  }

  anchors(): AnchorSet[] {
    return this.inner.anchors();
  }

  misses(facts: Facts, notes: string[]): i32 {
    if (this.inner.matches(facts)) return 0;
    notes.push(this.label);
    return 1;
  }
}
