import { JsonKind, JsonValue, parseJson } from "./json";

/**
 * Reads a configuration tree field by field and keeps the first thing wrong, named by its JSON path. Every reader answers
 * something harmless after an error, so callers return `refusal` once at the end.
 */
export class Fields {
  /** The first thing that was wrong, with its path; "" while nothing was. */
  error: string = "";

  /** What `onConfigure` answers: null when nothing was wrong, else `error`. */
  get refusal(): string | null {
    return this.error == "" ? null : this.error;
  }

  /** The root of a configuration text: an object with no other keys than `known`, or null. */
  parse(text: string, known: string[]): JsonValue | null {
    const result = parseJson(text);
    const root = result.value;
    if (root == null) {
      this.fail("", text == "" ? "the configuration is empty" : result.error);
      return null;
    }
    return this.object(root, "", known) ? root : null;
  }

  /** Notes what is wrong at `path`, unless something was before. */
  fail(path: string, why: string): void {
    if (this.error == "") this.error = path == "" ? why : `${path}: ${why}`;
  }

  /** Is this an object, whatever its keys? */
  isObject(value: JsonValue, path: string): bool {
    if (!value.isObject) this.fail(path, "expected an object");
    return value.isObject;
  }

  /** Is this an object with no other keys than `known`? An unknown key is named. */
  object(value: JsonValue | null, path: string, known: string[]): bool {
    if (value == null || !value.isObject) {
      this.fail(path, "expected an object");
      return false;
    }
    for (let i = 0; i < value.keys.length; i++) {
      const key = value.keys[i];
      if (!known.includes(key)) {
        this.fail(
          path == "" ? key : `${path}.${key}`,
          `unknown or unsupported field (known: ${known.join(", ")})`,
        );
        return false;
      }
    }
    return true;
  }

  /** A string; anything else fails. */
  text(value: JsonValue | null, path: string): string {
    if (value == null || value.kind != JsonKind.Text) {
      this.fail(path, "expected a string");
      return "";
    }
    return value.text;
  }

  /** The text of a field, or `missing` when the field is absent. */
  textOr(object: JsonValue, key: string, path: string, missing: string): string {
    const value = object.get(key);
    return value == null ? missing : this.text(value, `${path}.${key}`);
  }

  /** A boolean; anything else fails. */
  bool(value: JsonValue | null, path: string): bool {
    if (value == null || value.kind != JsonKind.Bool) {
      this.fail(path, "expected true or false");
      return false;
    }
    return value.number != 0;
  }

  /** A number in `[least, most]`, which are whole. */
  number(value: JsonValue | null, path: string, least: f64, most: f64): f64 {
    if (value != null && value.isNumber && value.number >= least && value.number <= most) return value.number;
    this.fail(path, `expected a number from ${<i64>least} to ${<i64>most}`);
    return least;
  }

  /** A whole number in `[least, most]`. */
  integer(value: JsonValue | null, path: string, least: i32, most: i32): i32 {
    if (value != null && value.isNumber) {
      const number = value.number;
      if (number >= <f64>least && number <= <f64>most && number == floor<f64>(number)) return <i32>number;
    }
    this.fail(path, `expected a whole number from ${least.toString()} to ${most.toString()}`);
    return least;
  }

  /** Items of a list; empty when the field is absent. */
  list(value: JsonValue | null, path: string): JsonValue[] {
    if (value == null) return [];
    if (!value.isList) {
      this.fail(path, "expected a list");
      return [];
    }
    return value.items;
  }

  /** A list of strings; empty when it is missing. */
  texts(value: JsonValue | null, path: string): string[] {
    const items = this.list(value, path);
    const texts: string[] = [];
    for (let i = 0; i < items.length; i++) texts.push(this.text(items[i], `${path}[${i.toString()}]`));
    return texts;
  }
}
