import { Engine, Ruling, Verb } from "./engine";
import { Facts } from "./facts";
import { Place } from "./place";
import { Sources } from "./source";

/** Rules that nearly matched, of each action. */
const MOST_RULES = 3;
const MOST_VALUE = 64;
const MOST_TEXT = 2048;
/** Headers whose values nobody should read in a log. */
const SECRET: string[] = [
  "authorization",
  "proxy-authorization",
  "cookie",
  "x-api-key",
  // Queries hold tokens.
  "referer",
  "x-envoy-original-path",
];

/** Tells which rule decided, and what the nearest others would have needed. */
export class Explainer {
  private constructor(
    /** Also put into this header of a denial; "" = into none. */
    readonly header: string,
    private readonly sources: Sources,
  ) {}

  /** `true`, or an object with the header; null = nothing is to be explained. */
  static read(place: Place, sources: Sources): Explainer | null {
    const json = place.json;
    if (json != null && json.isObject) {
      if (!place.isObject(["header"])) return null;
      const header = place.at("header");
      const name = header.word();
      if (!isToken(name)) header.fail("expected a header's name");
      return new Explainer(name, sources);
    }
    return place.flag() ? new Explainer("", sources) : null;
  }

  explain(engines: Engine[], facts: Facts): string {
    let text = "";
    let decided = false;
    for (let i = 0; i < engines.length && !decided; i++) {
      const trial = engines[i].trial;
      const rules = engines[i].rules;
      if (trial != null) text += `on trial: ${describe(trial, facts)}. `;
      if (rules == null) continue;
      text += `${describe(rules, facts)}. `;
      const matched = rules.rules.first(facts) >= 0;
      decided = rules.verb == Verb.Deny ? matched : rules.verb == Verb.Allow && !matched;
    }
    return plain(`${text}Seen: ${this.seen(facts)}`, MOST_TEXT);
  }

  /** The attributes rules ask for, as they are now. */
  private seen(facts: Facts): string {
    const all = this.sources.all;
    let text = "";
    for (let i = 0; i < all.length; i++) {
      // Queries hold tokens; the path without it is a source of its own.
      if (all[i].isDerived || all[i].name == ":path") continue;
      const values = all[i].shown(facts);
      let shown = values.length == 0 ? "(none)" : "";
      for (let k = 0; k < values.length; k++) {
        shown += (k > 0 ? " | " : "") + (SECRET.includes(all[i].name) ? "***" : plain(values[k], MOST_VALUE));
      }
      text += `${text == "" ? "" : ", "}${all[i].name} ${shown}`;
    }
    return text;
  }
}

const VERBS: string[] = ["allow", "deny", "audit"];

function describe(ruling: Ruling, facts: Facts): string {
  const rules = ruling.rules.rules;
  const first = ruling.rules.first(facts);
  const verb = VERBS[ruling.verb];
  let text = first < 0 ? `no rule to ${verb} matches` : `${rules[first].id} matches, to ${verb}`;
  const told: i32[] = [first];
  for (let n = 0; n < MOST_RULES; n++) {
    let nearest = -1;
    let least = i32.MAX_VALUE;
    let notes: string[] = [];
    for (let i = 0; i < rules.length; i++) {
      if (told.includes(i)) continue;
      const own: string[] = [];
      const count = rules[i].matcher.misses(facts, own);
      if (count == 0 || count >= least) continue;
      nearest = i;
      least = count;
      notes = own;
    }
    if (nearest < 0) break;
    told.push(nearest);
    text += `; ${rules[nearest].id} would need ${notes.join(" and ")}`;
  }
  return text;
}

/** Printable ASCII, and not more of it than that. */
function plain(text: string, most: i32): string {
  const cut = text.length > most;
  const size = cut ? most : text.length;
  const shown = changetype<string>(__new((<usize>size) << 1, idof<string>()));
  for (let i = 0; i < size; i++) {
    const c = text.charCodeAt(i);
    store<u16>(changetype<usize>(shown) + ((<usize>i) << 1), c >= 32 && c < 127 ? c : 63);
  }
  return cut ? `${shown}...` : shown;
}

function isToken(name: string): bool {
  for (let i = 0; i < name.length; i++) {
    const c = name.charCodeAt(i);
    const isLetter = (c | 32) >= 97 && (c | 32) <= 122;
    if (!isLetter && !(c >= 48 && c <= 57) && c != 45 && c != 95) return false;
  }
  return true;
}
