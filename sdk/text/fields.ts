import { JsonKind, JsonValue } from "./json";

/**
 * Reads a configuration tree field by field and keeps the first thing wrong, named by its JSON path. Every reader answers
 * something harmless after an error, so callers check `error` once at the end.
 */
export class Fields {
  error: string = "";

  fail(path: string, why: string): void {
    if (this.error == "") this.error = `${path}: ${why}`;
  }

  /** Is this an object with no other keys than `known`? */
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

  text(value: JsonValue | null, path: string): string {
    if (value == null || value.kind != JsonKind.Text) {
      this.fail(path, "expected a string");
      return "";
    }
    return value.text;
  }

  /** A text, or "" when the field is absent. */
  optionalText(object: JsonValue, key: string, path: string): string {
    const value = object.get(key);
    return value == null ? "" : this.text(value, `${path}.${key}`);
  }

  bool(value: JsonValue | null, path: string): bool {
    if (value == null || value.kind != JsonKind.Bool) {
      this.fail(path, "expected true or false");
      return false;
    }
    return value.number != 0;
  }

  /** A number in `[least, most]`; a text with a number counts, as in protobuf's JSON. */
  number(value: JsonValue | null, path: string, least: f64, most: f64): f64 {
    let number = NaN;
    if (value != null && value.kind == JsonKind.Number) number = value.number;
    if (isNaN<f64>(number) || number < least || number > most) {
      this.fail(path, `expected a number from ${least.toString()} to ${most.toString()}`);
      return least;
    }
    return number;
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

  texts(value: JsonValue | null, path: string): string[] {
    const items = this.list(value, path);
    const texts: string[] = [];
    for (let i = 0; i < items.length; i++) texts.push(this.text(items[i], `${path}[${i.toString()}]`));
    return texts;
  }
}
