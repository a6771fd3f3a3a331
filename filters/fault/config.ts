import { HeaderName } from "proxy-wasm-toolkit/sdk";
import { lowerCase } from "proxy-wasm-toolkit/sdk/text/ascii";
import { Fields } from "proxy-wasm-toolkit/sdk/text/fields";
import { JsonValue } from "proxy-wasm-toolkit/sdk/text/json";
import { readFault } from "./fault-config";
import { HeaderFaults } from "./header-faults";
import { RequestMatch } from "./request-match";
import { FaultRule } from "./rule";
import { Runtime } from "./runtime";
import { Schedule } from "./schedule";
import { Settings } from "./settings";

const ROOT: string[] = ["http", "headerFaults", "maxActiveFaults", "seed", "killSwitchHeader", "runtime"];

/** Fields of an HTTPRoute, and `schedule`. What stands below that the proxy's own routes do: it is passed over. */
const ROUTE: string[] = [
  "name",
  "match",
  "fault",
  "schedule",
  "route",
  "redirect",
  "directResponse",
  "delegate",
  "rewrite",
  "timeout",
  "retries",
  "mirror",
  "mirrors",
  "mirrorPercent",
  "mirrorPercentage",
  "corsPolicy",
  "headers",
];

/** Reads the plugin's configuration into `settings`; null = good, else what is wrong and where. */
export function readConfig(text: string, settings: Settings): string | null {
  const fields = new Fields();
  const root = fields.parse(text, ROOT);
  if (root != null) {
    if (root.get("http") == null) fields.fail("http", "missing");
    const entries = fields.list(root.get("http"), "http");
    for (let i = 0; i < entries.length; i++) {
      settings.rules.push(readEntry(fields, entries[i], `http[${i}]`));
    }
    settings.headerFaults = HeaderFaults.read(fields, root.get("headerFaults"), "headerFaults");
    const seed = root.get("seed");
    if (seed != null) settings.dice.seed(<u64>fields.integer(seed, "seed", 0, i32.MAX_VALUE));
    const off = root.get("killSwitchHeader");
    if (off != null) {
      const name = lowerCase(fields.text(off, "killSwitchHeader"));
      if (name == "") fields.fail("killSwitchHeader", "must not be empty");
      else settings.killSwitch = new HeaderName(name);
    }
    const most = root.get("maxActiveFaults");
    const runtime = root.get("runtime");
    if (runtime != null) settings.runtime = Runtime.read(fields, runtime, "runtime");
    if (most != null) settings.maxActiveFaults = fields.integer(most, "maxActiveFaults", 0, i32.MAX_VALUE);
  }
  return fields.error == "" ? null : fields.error;
}

function readEntry(fields: Fields, json: JsonValue, path: string): FaultRule {
  const rule = new FaultRule();
  if (!fields.object(json, path, ROUTE)) return rule;
  fields.textOr(json, "name", path, "");
  refuseMisplaced(fields, json.get("route"), `${path}.route`);
  const match = json.get("match");
  if (match != null) {
    const blocks = fields.list(match, `${path}.match`);
    for (let i = 0; i < blocks.length; i++) {
      rule.matches.push(RequestMatch.read(fields, blocks[i], `${path}.match[${i}]`));
    }
  }
  const fault = json.get("fault");
  if (fault != null) readFault(fields, fault, `${path}.fault`, rule);
  const schedule = json.get("schedule");
  if (schedule != null) rule.schedule = Schedule.read(fields, schedule, `${path}.schedule`);
  return rule;
}

/** A `fault` inside `route` does nothing in Istio, where it is dropped in silence. */
function refuseMisplaced(fields: Fields, json: JsonValue | null, path: string): void {
  if (json == null || !json.isList) return;
  for (let i = 0; i < json.items.length; i++) {
    if (json.items[i].get("fault") == null) continue;
    fields.fail(`${path}[${i}].fault`, "belongs beside route, not inside it");
  }
}
