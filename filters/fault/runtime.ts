import { HeaderMap, HeaderName } from "proxy-wasm-toolkit/sdk";
import { Fields } from "proxy-wasm-toolkit/sdk/text/fields";
import { JsonValue } from "proxy-wasm-toolkit/sdk/text/json";
import { DENOMINATOR } from "./roll";
import { FaultRule } from "./rule";
import { Share } from "./share";

const CLUSTER = new HeaderName("x-envoy-downstream-service-cluster");
const PREFIX = "fault.http.";

/** Ends of the keys of Envoy's fault filter, which may stand behind the name of a downstream cluster; then those that may not. */
const KEYS: string[] = [
  "delay.fixed_delay_percent",
  "delay.fixed_duration_ms",
  "abort.abort_percent",
  "abort.http_status",
  "abort.grpc_status",
  "rate_limit.response_percent",
  "max_active_faults",
];
const FOR_CLUSTERS = 5;

/** Places in KEYS. */
enum Key {
  DelayPercent = 0,
  DelayMs = 1,
  AbortPercent = 2,
  HttpStatus = 3,
  GrpcStatus = 4,
  RatePercent = 5,
  MaxActiveFaults = 6,
}

/** Values by their key's place in KEYS; -1 = not set. Percentages are in parts of a million. */
class Values {
  readonly list: StaticArray<i64> = new StaticArray<i64>(KEYS.length).fill(-1);

  over(key: Key, value: i64): i64 {
    const set = this.list[key];
    return set < 0 ? value : set;
  }
}

const NONE = new Values();

/** What stands in place of rules' numbers: Envoy's runtime keys, as they are when the configuration is read. */
export class Runtime {
  private readonly general: Values = new Values();
  private readonly clusters: Map<string, Values> = new Map<string, Values>();

  static read(fields: Fields, json: JsonValue, path: string): Runtime {
    const runtime = new Runtime();
    if (!fields.isObject(json, path)) return runtime;
    for (let i = 0; i < json.keys.length; i++) {
      const name = json.keys[i];
      const at = `${path}.${name}`;
      const key = keyOf(name);
      if (key < 0) {
        fields.fail(at, `unknown key (known: ${PREFIX}${KEYS.join(`, ${PREFIX}`)})`);
        return runtime;
      }
      const values = runtime.valuesFor(
        name.slice(PREFIX.length, max(name.length - KEYS[key].length - 1, PREFIX.length)),
      );
      values.list[key] = readValue(fields, json.items[i], at, key);
    }
    return runtime;
  }

  /** As `most` says, unless there is a key for it. */
  maxActiveFaults(most: i64): i64 {
    return this.general.over(Key.MaxActiveFaults, most);
  }

  /** A rule with what the keys say instead. */
  applied(rule: FaultRule, headers: HeaderMap): FaultRule {
    const values = this.valuesOf(headers.get<HeaderName>(CLUSTER));
    const copy = rule.copy();
    if (copy.delays) {
      copy.delayChance = <u32>values.over(Key.DelayPercent, rule.delayChance);
      copy.delayMs = <u32>values.over(Key.DelayMs, this.general.over(Key.DelayMs, rule.delayMs));
    }
    if (copy.aborts) {
      copy.abortChance = <u32>values.over(Key.AbortPercent, rule.abortChance);
      if (rule.grpcStatus < 0) copy.status = <u32>values.over(Key.HttpStatus, rule.status);
      else copy.grpcStatus = <i32>values.over(Key.GrpcStatus, rule.grpcStatus);
    }
    if (rule.kbps > 0) copy.paceChance = <u32>this.general.over(Key.RatePercent, rule.paceChance);
    return copy;
  }

  /** A request that says which cluster it is from has only that one's keys, if any (but for the delay's length): so does Envoy. */
  private valuesOf(cluster: string | null): Values {
    if (cluster == null) return this.general;
    return this.clusters.has(cluster) ? this.clusters.get(cluster) : NONE;
  }

  private valuesFor(cluster: string): Values {
    if (cluster == "") return this.general;
    if (!this.clusters.has(cluster)) this.clusters.set(cluster, new Values());
    return this.clusters.get(cluster);
  }
}

/** Place in KEYS, or -1. */
function keyOf(name: string): i32 {
  if (!name.startsWith(PREFIX)) return -1;
  const rest = name.slice(PREFIX.length);
  for (let i = 0; i < KEYS.length; i++) {
    if (rest == KEYS[i] || (i < FOR_CLUSTERS && rest.endsWith(`.${KEYS[i]}`))) return i;
  }
  return -1;
}

function readValue(fields: Fields, json: JsonValue, path: string, key: i32): i64 {
  if (key == Key.DelayMs || key == Key.MaxActiveFaults) return fields.integer(json, path, 0, i32.MAX_VALUE);
  if (key == Key.HttpStatus) return fields.integer(json, path, 200, 599);
  if (key == Key.GrpcStatus) return fields.integer(json, path, 0, 16);
  if (json.isObject) return Share.read(fields, json, path).whole;
  return <i64>fields.integer(json, path, 0, 100) * (DENOMINATOR / 100);
}
