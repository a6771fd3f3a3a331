import { hexDigit } from "./ascii";
import { MAX_RUNE } from "./rune-set";

/** The text of an expression, read by code points, with the first thing wrong with it. */
export class RegexLexer {
  error: string = "";
  at: i32 = 0;

  constructor(readonly source: string) {}

  fail(why: string): void {
    if (this.error == "") this.error = `${why} at offset ${this.at.toString()}`;
  }

  /** Whether there is more to read, and nothing has gone wrong. */
  get more(): bool {
    return this.at < this.source.length && this.error == "";
  }

  /** The next code point without taking it; -1 at the end and after an error, so that every loop ends. */
  peek(): i32 {
    return this.more ? this.source.codePointAt(this.at) : -1;
  }

  /** Takes the next code point, or -1. */
  take(): i32 {
    const c = this.peek();
    if (c >= 0) this.at += c > 0xffff ? 2 : 1;
    if ((c & 0xfffff800) == 0xd800) this.fail("not UTF-8");
    return c;
  }

  /** Takes `text` if it comes next. */
  takeText(text: string): bool {
    if (!this.more || !this.source.startsWith(text, this.at)) return false;
    this.at += text.length;
    return true;
  }

  /** Takes a decimal number of at most 1000; -1 when there is none, 1001 for a larger one. A leading zero is none. */
  takeNumber(): i32 {
    const from = this.at;
    let value = 0;
    for (let c = this.peek(); c >= 48 && c <= 57; c = this.peek()) {
      value = min(value * 10 + (c - 48), 1001);
      this.at++;
    }
    const digits = this.at - from;
    return digits == 0 || (digits > 1 && this.source.charCodeAt(from) == 48) ? -1 : value;
  }

  /** The code point an escape stands for, the cursor after the backslash; fails when it stands for none. */
  takeEscaped(): i32 {
    const c = this.take();
    if (c >= 48 && c <= 55) return this.octal(c);
    if (c == 120) return this.hex();
    if (c == 97) return 7;
    if (c == 102) return 12;
    if (c == 110) return 10;
    if (c == 114) return 13;
    if (c == 116) return 9;
    if (c == 118) return 11;
    const alphanumeric = (c >= 48 && c <= 57) || (c >= 65 && c <= 90) || (c >= 97 && c <= 122);
    if (c < 0) this.fail("nothing after a backslash");
    else if (c > 127 || alphanumeric) this.fail("unsupported escape");
    return c;
  }

  /** `\0`, `\07`, `\123`; a single `\1` to `\7` would be a back-reference. */
  private octal(first: i32): i32 {
    let c = this.peek();
    if (first != 48 && (c < 48 || c > 55)) this.fail("back-references are not supported");
    let value = first - 48;
    for (let i = 0; i < 2 && c >= 48 && c <= 55; i++) {
      value = value * 8 + (c - 48);
      this.at++;
      c = this.peek();
    }
    return value;
  }

  private hex(): i32 {
    const braces = this.takeText("{");
    let value = 0;
    let digits = 0;
    for (let d = hexDigit(this.peek()); d >= 0 && (braces || digits < 2); d = hexDigit(this.peek())) {
      value = min(value * 16 + d, MAX_RUNE + 1);
      digits++;
      this.at++;
    }
    if (digits == 0 || (!braces && digits < 2) || value > MAX_RUNE || (braces && !this.takeText("}"))) {
      this.fail("bad hexadecimal escape");
    }
    return value;
  }
}
