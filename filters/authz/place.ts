import { Fields } from "proxy-wasm-toolkit/sdk/text/fields";
import { JsonValue } from "proxy-wasm-toolkit/sdk/text/json";

/** A value of the configuration and where it stands; null = it is not there. What is wrong is said of its place. */
export class Place {
  constructor(
    readonly fields: Fields,
    readonly json: JsonValue | null,
    readonly path: string,
  ) {}

  get isMissing(): bool {
    return this.json == null;
  }

  fail(why: string): void {
    this.fields.fail(this.path, why);
  }

  /** Keys of an object, in their order. */
  get keys(): string[] {
    const json = this.json;
    return json == null ? [] : json.keys;
  }

  /** A member. */
  at(key: string): Place {
    const json = this.json;
    const path = this.path == "" ? key : `${this.path}.${key}`;
    return new Place(this.fields, json == null ? null : json.get(key), path);
  }

  /** Is it an object with no other keys than `known`? */
  isObject(known: string[]): bool {
    return this.fields.object(this.json, this.path, known);
  }

  /** Its items; none when it is missing. */
  list(): Place[] {
    const items = this.fields.list(this.json, this.path);
    const places: Place[] = [];
    for (let i = 0; i < items.length; i++)
      places.push(new Place(this.fields, items[i], `${this.path}[${i}]`));
    return places;
  }

  /** The same, of which there must be one. */
  some(): Place[] {
    const places = this.list();
    if (places.length == 0) this.fail("must not be empty");
    return places;
  }

  text(): string {
    return this.fields.text(this.json, this.path);
  }

  /** A text that must not be empty. */
  word(): string {
    const text = this.text();
    if (text == "") this.fail("must not be empty");
    return text;
  }

  textOr(missing: string): string {
    return this.json == null ? missing : this.text();
  }

  /** False when it is missing. */
  flag(): bool {
    return this.json != null && this.fields.bool(this.json, this.path);
  }

  integer(least: i32, most: i32): i32 {
    return this.fields.integer(this.json, this.path, least, most);
  }

  /** The one key of an object beside the `others` it may have; "" when there is none, or something is wrong. */
  oneOf(known: string[], others: string[]): string {
    if (!this.isObject(known.concat(others))) return "";
    let found = "";
    const keys = this.keys;
    for (let i = 0; i < keys.length; i++) {
      if (others.includes(keys[i])) continue;
      if (found != "") {
        this.at(keys[i]).fail(`not beside ${found}`);
        return "";
      }
      found = keys[i];
    }
    return found;
  }
}
