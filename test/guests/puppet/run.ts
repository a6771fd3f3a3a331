import * as env from "../../../sdk/env";
import { textAt } from "./bytes";
import { expand, Script, variables } from "./script";
import { isText, percentEncode, perform, result, say } from "./verbs";

const scripts: Map<u32, Script> = new Map();
const rootOf: Map<u32, u32> = new Map();
/** How often a callback has run, by `callback context`. */
const runs: Map<string, i32> = new Map();
const OUT = memory.data(8, 8);

/** A root context reads its script; a stream context follows its root's. */
export function created(context: u32, parent: u32): void {
  if (parent == 0) {
    env.proxy_get_buffer_bytes(7, 0, 0x7fffffff, OUT, OUT + 4);
    scripts.set(context, new Script(textAt(load<u32>(OUT), load<u32>(OUT + 4))));
    rootOf.set(context, context);
  } else {
    rootOf.set(context, parent);
    variables.set("stream", context.toString());
  }
}

/** Names of callback arguments after the context id; they become variables. */
const NOTHING: string[] = [];

export function run(callback: string, context: u32, names: string[], values: u32[], fallback: u32): u32 {
  if (!rootOf.has(context)) return fallback;
  const root = rootOf.get(context);
  const script = scripts.get(root);
  variables.set("context", context.toString());
  variables.set("root", root.toString());
  let traced = `> ${callback} ${context}`;
  for (let i = 0; i < names.length; i++) {
    variables.set(names[i], values[i].toString());
    traced += ` ${values[i]}`;
  }
  if (script.trace) say(traced);
  const key = `${callback} ${context}`;
  const count = (runs.has(key) ? runs.get(key) : 0) + 1;
  runs.set(key, count);
  variables.set("n", count.toString());
  const lines = script.lines(callback);
  for (let i = 0; i < lines.length; i++) {
    const tokens = relevant(lines[i]);
    if (tokens.length == 0) continue;
    if (tokens[0] == "return") return <u32>(<i64>parseInt(expand(tokens[1]), 10));
    step(tokens);
  }
  return fallback;
}

/** Drops `when A B :` in front when it holds; nothing is left when it does not. */
function relevant(tokens: string[]): string[] {
  if (tokens[0] != "when") return tokens;
  return expand(tokens[1]) == expand(tokens[2]) ? tokens.slice(4) : NOTHING;
}

function step(tokens: string[]): void {
  const named = tokens.length > 2 && tokens[1] == "=";
  const from = named ? 2 : 0;
  const values: string[] = [];
  for (let i = from + 1; i < tokens.length; i++) values.push(expand(tokens[i]));
  const status = perform(tokens[from], values);
  if (status == -1) say(`no such verb: ${tokens[from]}`);
  if (!named) return;
  const value = result;
  variables.set(tokens[0], value);
  const shown = isText(tokens[from]) ? percentEncode(value) : value;
  say(value.length > 0 ? `${tokens[0]}=${status} ${shown}` : `${tokens[0]}=${status}`);
}
