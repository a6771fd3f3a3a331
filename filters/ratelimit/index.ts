import {
  Action,
  HttpFilter,
  Metric,
  MetricType,
  plugin,
  RootContext,
  registerHttp,
} from "proxy-wasm-toolkit/sdk";
import { Take } from "./bucket";
import { readConfig } from "./config";
import { Limits } from "./limits";
import { RequestFacts } from "./request";

class RateLimitRoot extends RootContext {
  readonly limits: Limits = new Limits();
  enabled: Metric | null = null;
  ok: Metric | null = null;
  limited: Metric | null = null;
  enforced: Metric | null = null;

  onConfigure(config: string): string | null {
    const limits = this.limits;
    const error = readConfig(config, limits);
    if (error != null) return error;
    const prefix = `${limits.statPrefix}.http_local_rate_limit`;
    this.enabled = Metric.define(MetricType.Counter, `${prefix}.enabled`);
    this.ok = Metric.define(MetricType.Counter, `${prefix}.ok`);
    this.limited = Metric.define(MetricType.Counter, `${prefix}.rate_limited`);
    this.enforced = Metric.define(MetricType.Counter, `${prefix}.enforced`);
    this.nameBuckets(config);
    return null;
  }

  /** One state for this plugin with this configuration, whatever worker it runs on; another configuration starts anew. */
  private nameBuckets(config: string): void {
    const name = plugin.name;
    const base = `ratelimit/${name == null ? "" : name}/${hashOf(config).toString(36)}/`;
    const bucket = this.limits.bucket;
    if (bucket != null) bucket.key = base;
    const descriptors = this.limits.descriptors;
    for (let i = 0; i < descriptors.length; i++) descriptors[i].bucket.key = base + i.toString();
  }
}

/** FNV-1a, 64 bits. */
function hashOf(text: string): u64 {
  let hash: u64 = ((<u64>0xcbf29ce4) << 32) | 0x84222325;
  for (let i = 0; i < text.length; i++) hash = (hash ^ <u64>text.charCodeAt(i)) * 1099511628211;
  return hash;
}

/** Does something with this chance, in parts of a million, happen? */
function happens(chance: u32): bool {
  return chance >= 1000000 || (chance > 0 && <u32>(Math.random() * 1000000) < chance);
}

class RateLimiter extends HttpFilter {
  private taken: Take | null = null;

  onRequestHeaders(): Action {
    const root = this.root as RateLimitRoot;
    const limits = root.limits;
    if (!happens(limits.enabledChance)) return Action.Continue;
    (root.enabled as Metric).increment(1);
    const taken = limits.take(new RequestFacts(this.request));
    this.taken = taken;
    if (taken == null || taken.allowed) {
      (root.ok as Metric).increment(1);
      return Action.Continue;
    }
    (root.limited as Metric).increment(1);
    if (!happens(limits.enforcedChance)) return Action.Continue;
    (root.enforced as Metric).increment(1);
    const headers = limits.responseHeaders.length > 0 ? limits.responseHeaders : null;
    return this.sendLocalResponse(
      limits.status,
      "local_rate_limited",
      headers,
      limits.grpcStatus,
      "local_rate_limited",
    );
  }

  onResponseHeaders(): Action {
    const taken = this.taken;
    if (taken == null || !(this.root as RateLimitRoot).limits.rateLimitHeaders) return Action.Continue;
    const headers = this.response.headers;
    headers.replace("x-ratelimit-limit", taken.bucket.maxTokens.toString());
    headers.replace("x-ratelimit-remaining", taken.remaining.toString());
    headers.replace("x-ratelimit-reset", taken.reset.toString());
    return Action.Continue;
  }
}

registerHttp<RateLimiter, RateLimitRoot>("ratelimit");
