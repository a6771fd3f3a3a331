import { Expression } from "proxy-wasm-toolkit/sdk";

/** What a tag reads when its expression has no value, as in Istio. */
export const UNKNOWN = "unknown";

class DynamicTag {
  constructor(
    readonly text: string,
    readonly expression: Expression,
  ) {}
}

/** Expressions whose values become tags; each is evaluated once an exchange, however many metrics want it. */
export class DynamicTags {
  private readonly all: DynamicTag[] = [];
  private readonly none: string[] = [];

  get length(): i32 {
    return this.all.length;
  }

  /** Index of an expression, or -1 when the proxy cannot compile it. */
  add(text: string): i32 {
    for (let i = 0; i < this.all.length; i++) if (this.all[i].text == text) return i;
    const expression = compile(text);
    if (expression == null) return -1;
    return this.all.push(new DynamicTag(text, expression)) - 1;
  }

  /** Their values for the current stream. */
  read(): string[] {
    if (this.all.length == 0) return this.none;
    const values: string[] = [];
    for (let i = 0; i < this.all.length; i++) {
      const value = this.all[i].expression.text;
      values.push(value == null ? UNKNOWN : value);
    }
    return values;
  }

  /** Their values where no stream is at hand. */
  unknown(): string[] {
    return new Array<string>(this.all.length).fill(UNKNOWN);
  }
}

/** Numbers become text where the proxy can do that; elsewhere only text has a value. */
function compile(text: string): Expression | null {
  const plain = Expression.compile(text);
  if (plain == null) return null;
  const converted = Expression.compile(`string(${text})`);
  if (converted != null) {
    plain.free();
    return converted;
  }
  const checked = Expression.compile(`type(${text}) == string ? (${text}) : '${UNKNOWN}'`);
  return checked == null ? plain : checked;
}
