import { hexDigit } from "./ascii";
import { readNumber } from "./number";

/** Kinds of JSON value. */
export enum JsonKind {
  Null = 0,
  Bool = 1,
  Number = 2,
  Text = 3,
  List = 4,
  Object = 5,
}

/** One value of a JSON tree. */
export class JsonValue {
  /** A string, or a number as it is written. */
  text: string = "";
  private value: f64 = 0;
  /** @internal */
  unread: bool = false;
  /** The items of a list, the values of an object. */
  items: JsonValue[] = [];
  /** Keys of an object, beside `items`. */
  keys: string[] = [];

  constructor(readonly kind: JsonKind) {}

  /**
   * A number, correctly rounded (larger than the largest double: infinite); 1 or 0 of a boolean. It is read from the text
   * when first asked for: a long one takes microseconds, and who sends a text full of them should not get that work done.
   */
  get number(): f64 {
    if (this.unread) {
      this.unread = false;
      this.value = readNumber(this.text);
    }
    return this.value;
  }

  /** @internal Only the reader knows one. */
  set number(value: f64) {
    this.value = value;
  }

  /** Member of an object, or null. */
  get(key: string): JsonValue | null {
    for (let i = 0; i < this.keys.length; i++) if (this.keys[i] == key) return this.items[i];
    return null;
  }

  /** Whether it is a string. */
  get isText(): bool {
    return this.kind == JsonKind.Text;
  }

  /** Whether it is an object. */
  get isObject(): bool {
    return this.kind == JsonKind.Object;
  }

  /** Whether it is a list. */
  get isList(): bool {
    return this.kind == JsonKind.List;
  }

  /** Whether it is a number. */
  get isNumber(): bool {
    return this.kind == JsonKind.Number;
  }
}

/** What a parse gave: a tree, or why there is none. */
export class JsonResult {
  constructor(
    readonly value: JsonValue | null,
    readonly error: string,
  ) {}
}

/** Deepest nesting that is read. */
const MAX_DEPTH = 64;
/** Longest text that is read, UTF-16 units. */
const MAX_LENGTH = 4194304;
/** Most members of an object: looking for duplicates compares every two. */
const MAX_MEMBERS = 4096;

/**
 * Reads JSON strictly (RFC 8259); a duplicate key, a NUL and what is not UTF-8 are errors too.
 * Total: bad input gives an error text with line and column.
 */
export function parseJson(source: string): JsonResult {
  return new JsonParser(source).run();
}

class JsonParser {
  private at: i32 = 0;
  private error: string = "";

  constructor(private readonly source: string) {}

  run(): JsonResult {
    if (this.source.length > MAX_LENGTH) return new JsonResult(null, "JSON text is over 4 Mi characters");
    const value = this.value(0);
    this.space();
    if (this.error == "" && this.at < this.source.length) this.fail("unexpected text after the value");
    return this.error == "" ? new JsonResult(value, "") : new JsonResult(null, this.error);
  }

  private fail(why: string): JsonValue | null {
    if (this.error != "") return null;
    let line = 1;
    let column = 1;
    for (let i = 0; i < this.at && i < this.source.length; i++) {
      if (this.source.charCodeAt(i) == 10) {
        line++;
        column = 1;
      } else column++;
    }
    this.error = `not JSON: ${why} at line ${line.toString()} column ${column.toString()}`;
    return null;
  }

  private peek(): i32 {
    return this.at < this.source.length ? this.source.charCodeAt(this.at) : -1;
  }

  private space(): void {
    for (let c = this.peek(); c == 32 || c == 9 || c == 10 || c == 13; c = this.peek()) this.at++;
  }

  private value(depth: i32): JsonValue | null {
    if (depth > MAX_DEPTH) return this.fail("nested deeper than 64");
    this.space();
    const c = this.peek();
    if (c == 123) return this.object(depth);
    if (c == 91) return this.list(depth);
    if (c == 34) {
      const value = new JsonValue(JsonKind.Text);
      value.text = this.string();
      return this.error == "" ? value : null;
    }
    if (c == 45 || (c >= 48 && c <= 57)) return this.number();
    if (this.word("true")) return this.bool(1);
    if (this.word("false")) return this.bool(0);
    if (this.word("null")) return new JsonValue(JsonKind.Null);
    return this.fail(c < 0 ? "the text ends too early" : "unexpected character");
  }

  private bool(number: f64): JsonValue {
    const value = new JsonValue(JsonKind.Bool);
    value.number = number;
    return value;
  }

  private word(word: string): bool {
    if (!this.source.startsWith(word, this.at)) return false;
    this.at += word.length;
    return true;
  }

  private object(depth: i32): JsonValue | null {
    const value = new JsonValue(JsonKind.Object);
    this.at++;
    this.space();
    if (this.peek() == 125) {
      this.at++;
      return value;
    }
    while (true) {
      this.space();
      if (this.peek() != 34) return this.fail("expected a key in double quotes");
      const key = this.string();
      if (this.error != "") return null;
      if (value.get(key) != null) return this.fail(`duplicate key "${key}"`);
      if (value.keys.length == MAX_MEMBERS) return this.fail("an object of more than 4096 members");
      this.space();
      if (this.peek() != 58) return this.fail("expected ':'");
      this.at++;
      const member = this.value(depth + 1);
      if (member == null) return null;
      value.keys.push(key);
      value.items.push(member);
      this.space();
      const c = this.peek();
      this.at++;
      if (c == 125) return value;
      if (c != 44) {
        this.at--;
        return this.fail("expected ',' or '}'");
      }
    }
  }

  private list(depth: i32): JsonValue | null {
    const value = new JsonValue(JsonKind.List);
    this.at++;
    this.space();
    if (this.peek() == 93) {
      this.at++;
      return value;
    }
    while (true) {
      const item = this.value(depth + 1);
      if (item == null) return null;
      value.items.push(item);
      this.space();
      const c = this.peek();
      this.at++;
      if (c == 93) return value;
      if (c != 44) {
        this.at--;
        return this.fail("expected ',' or ']'");
      }
    }
  }

  private digits(): i32 {
    const from = this.at;
    for (let c = this.peek(); c >= 48 && c <= 57; c = this.peek()) this.at++;
    return this.at - from;
  }

  private number(): JsonValue | null {
    const from = this.at;
    if (this.peek() == 45) this.at++;
    if (this.peek() == 48) this.at++;
    else if (this.digits() == 0) return this.fail("expected a digit");
    if (this.peek() == 46) {
      this.at++;
      if (this.digits() == 0) return this.fail("expected a digit");
    }
    if (this.peek() == 101 || this.peek() == 69) {
      this.at++;
      if (this.peek() == 43 || this.peek() == 45) this.at++;
      if (this.digits() == 0) return this.fail("expected a digit");
    }
    const value = new JsonValue(JsonKind.Number);
    value.text = this.source.substring(from, this.at);
    value.unread = true;
    return value;
  }

  /** Four hexadecimal digits, or -1. */
  private hex4(): i32 {
    let code = 0;
    for (let i = 0; i < 4; i++) {
      const digit = hexDigit(this.peek());
      if (digit < 0) return -1;
      code = (code << 4) | digit;
      this.at++;
    }
    return code;
  }

  /** The unit an escape stands for, the cursor after the backslash; -1 (and an error) when it is none. */
  private escape(): i32 {
    const c = this.peek();
    this.at++;
    if (c == 34 || c == 92 || c == 47) return c;
    if (c == 98) return 8;
    if (c == 102) return 12;
    if (c == 110) return 10;
    if (c == 114) return 13;
    if (c == 116) return 9;
    const code = c == 117 ? this.hex4() : -1;
    if (code < 0) this.fail("bad escape in a string");
    else if (code == 0) this.fail("NUL in a string");
    return code;
  }

  /** Index of the quote that closes the string which starts here, or the end of the text. */
  private closingQuote(): i32 {
    let at = this.at;
    for (; at < this.source.length; at++) {
      const c = this.source.charCodeAt(at);
      if (c == 34) break;
      if (c == 92) at++;
    }
    return min(at, this.source.length);
  }

  private string(): string {
    this.at++;
    const units = new StaticArray<u16>(this.closingQuote() - this.at);
    let size = 0;
    let high = false;
    while (true) {
      let c = this.peek();
      if (c == 34 && !high) break;
      if (c < 0) return this.refuse("a string is not closed");
      if (c < 32) return this.refuse("control character in a string");
      this.at++;
      const escaped = c == 92;
      if (escaped) c = this.escape();
      if (this.error != "") return "";
      const low = (c & 0xfc00) == 0xdc00;
      // The SDK shows a byte that is not UTF-8 as a lone low surrogate.
      if (high != low)
        return this.refuse(escaped || high ? "half a surrogate pair in a string" : "not UTF-8");
      high = (c & 0xfc00) == 0xd800;
      units[size++] = <u16>c;
    }
    this.at++;
    return String.UTF16.decodeUnsafe(changetype<usize>(units), (<usize>size) << 1);
  }

  private refuse(why: string): string {
    this.fail(why);
    return "";
  }
}
