import { HeaderMap, HeaderName } from "proxy-wasm-toolkit/sdk";
import { Fields } from "proxy-wasm-toolkit/sdk/text/fields";
import { JsonKind, JsonValue } from "proxy-wasm-toolkit/sdk/text/json";
import { MAX_DELAY_MS, MAX_KBPS } from "./limits";
import { FaultRule } from "./rule";
import { Share, unsigned } from "./share";

const DELAY = new HeaderName("x-envoy-fault-delay-request");
const DELAY_PERCENTAGE = new HeaderName("x-envoy-fault-delay-request-percentage");
const ABORT = new HeaderName("x-envoy-fault-abort-request");
const ABORT_GRPC = new HeaderName("x-envoy-fault-abort-grpc-request");
const THROUGHPUT = new HeaderName("x-envoy-fault-throughput-response");
const THROUGHPUT_PERCENTAGE = new HeaderName("x-envoy-fault-throughput-response-percentage");
const ABORT_PERCENTAGE = new HeaderName("x-envoy-fault-abort-request-percentage");

/** Faults that requests ask for in headers. Clients are not trusted with it unless a configuration says so. */
export class HeaderFaults {
  private delay: Share | null = null;
  private abort: Share | null = null;
  private responseRateLimit: Share | null = null;

  /** `true`, or how often each kind may be asked for; null = off. */
  static read(fields: Fields, json: JsonValue | null, path: string): HeaderFaults | null {
    if (json == null) return null;
    const faults = new HeaderFaults();
    if (json.kind == JsonKind.Bool) {
      if (!fields.bool(json, path)) return null;
      faults.delay = faults.abort = faults.responseRateLimit = new Share(100, 10000);
      return faults;
    }
    if (!fields.object(json, path, ["delay", "abort", "responseRateLimit"])) return null;
    const delay = json.get("delay");
    const abort = json.get("abort");
    if (delay != null) faults.delay = Share.read(fields, delay, `${path}.delay`);
    if (abort != null) faults.abort = Share.read(fields, abort, `${path}.abort`);
    const limit = json.get("responseRateLimit");
    if (limit != null) faults.responseRateLimit = Share.read(fields, limit, `${path}.responseRateLimit`);
    return faults;
  }

  /** What a request asks for, or null. Of a repeated header the first value counts. */
  ruleFor(headers: HeaderMap): FaultRule | null {
    const rule = new FaultRule();
    const delay = this.delay;
    if (delay != null) {
      const ms = unsigned(headers.get<HeaderName>(DELAY));
      if (ms > 0) {
        rule.delays = true;
        rule.delayMs = <u32>min<i64>(ms, MAX_DELAY_MS);
        rule.delayChance = delay.chance(headers, DELAY_PERCENTAGE);
      }
    }
    const abort = this.abort;
    if (abort != null && readAbort(headers, rule)) {
      rule.aborts = true;
      rule.abortChance = abort.chance(headers, ABORT_PERCENTAGE);
    }
    const limit = this.responseRateLimit;
    if (limit != null) {
      const kbps = unsigned(headers.get<HeaderName>(THROUGHPUT));
      if (kbps > 0) {
        rule.kbps = min<i64>(kbps, MAX_KBPS);
        rule.paceChance = limit.chance(headers, THROUGHPUT_PERCENTAGE);
      }
    }
    return (rule.delayChance | rule.abortChance | rule.paceChance) == 0 ? null : rule;
  }
}

/** The answer asked for: an HTTP status goes before a gRPC code. */
function readAbort(headers: HeaderMap, rule: FaultRule): bool {
  const status = unsigned(headers.get<HeaderName>(ABORT));
  if (status >= 200 && status < 600) {
    rule.status = <u32>status;
    return true;
  }
  const code = unsigned(headers.get<HeaderName>(ABORT_GRPC));
  if (code < 0) return false;
  // Proxies know the codes up to 16; a plugin cannot send others.
  rule.grpcStatus = code > 16 ? 2 : <i32>code;
  return true;
}
