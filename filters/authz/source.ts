import { Facts } from "./facts";

/** What it costs to know an attribute: cheap ones are asked first. */
export const enum Cost {
  Header = 0,
  AnyHeader = 1,
  Property = 2,
  Certificate = 3,
  Claim = 4,
}

/** An attribute of a request or connection that has texts as values: none when it is missing, several when it repeats. */
export abstract class Source {
  /** Where `Facts` keeps the values. */
  slot: i32 = 0;

  /** `name` tells one from another, and is how explanations call it. */
  constructor(
    readonly name: string,
    readonly cost: Cost,
  ) {}

  /** Is it only another look at what a source has? */
  get isDerived(): bool {
    return false;
  }

  /** The values as people write them. */
  shown(facts: Facts): StaticArray<string> {
    return facts.of(this);
  }

  abstract read(facts: Facts): StaticArray<string>;
}

/** The sources a configuration asks for, each once. */
export class Sources {
  readonly all: Source[] = [];

  /** The one of that name, or null. */
  find(name: string): Source | null {
    for (let i = 0; i < this.all.length; i++) if (this.all[i].name == name) return this.all[i];
    return null;
  }

  /** The known one of the same name, else this one. */
  intern(source: Source): Source {
    const known = this.find(source.name);
    if (known != null) return known;
    source.slot = this.all.length;
    this.all.push(source);
    return source;
  }
}
