import { equalsIgnoreCase, regionMatches } from "./ascii";

enum Form {
  Exact = 0,
  Prefix = 1,
  Suffix = 2,
  Any = 3,
}

/**
 * A pattern with at most one star at an end: `text`, `text*`, `*text`, or `*` alone. A star elsewhere is an ordinary
 * character. `*` alone matches everything, the empty text too.
 */
export class Glob {
  private form: Form = Form.Exact;
  private text: string;

  constructor(
    pattern: string,
    private readonly ignoreCase: bool = false,
  ) {
    this.text = pattern;
    if (pattern == "*") this.form = Form.Any;
    else if (pattern.startsWith("*")) {
      this.form = Form.Suffix;
      this.text = pattern.substring(1);
    } else if (pattern.endsWith("*")) {
      this.form = Form.Prefix;
      this.text = pattern.substring(0, pattern.length - 1);
    }
  }

  /** Is this `*` alone? */
  get isAny(): bool {
    return this.form == Form.Any;
  }

  /** Whether the whole text matches. */
  matches(value: string): bool {
    const form = this.form;
    if (form == Form.Any) return true;
    const text = this.text;
    if (this.ignoreCase) {
      if (form == Form.Exact) return equalsIgnoreCase(value, text);
      return regionMatches(value, form == Form.Prefix ? 0 : value.length - text.length, text);
    }
    if (form == Form.Exact) return value == text;
    return form == Form.Prefix ? value.startsWith(text) : value.endsWith(text);
  }
}
