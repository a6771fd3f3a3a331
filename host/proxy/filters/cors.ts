import type { CorsPolicyConfig, StringMatch } from "../../config/model";
import { HeaderMap } from "../../stores/header-map";
import { type FilterCallbacks, type FilterFactory, HeadersStatus } from "../../stream/filter";
import type { StreamFacts } from "../downstream/stream-facts";
import { isIn, randomNumber, type TextTest, textTest } from "../router/matchers";
import type { Route } from "../router/route";
import type { StatCounter, StatsStore } from "../stats/store";
import { QuietFilter } from "./quiet-filter";

interface CorsStats {
  readonly valid: StatCounter;
  readonly invalid: StatCounter;
}

/** `envoy.filters.http.cors`: which pages of other origins may read a route's answers. */
export function corsFilter(name: string, store: StatsStore, statPrefix: string): FilterFactory {
  const prefix = `http.${statPrefix}.cors.`;
  const stats = {
    valid: store.counter(`${prefix}origin_valid`),
    invalid: store.counter(`${prefix}origin_invalid`),
  };
  return { name, create: (callbacks) => new CorsFilter(name, stats, callbacks) };
}

class CorsFilter extends QuietFilter {
  /** Of the route, then of what stands around it. */
  private policies: readonly CorsPolicyConfig[] = [];
  /** The policy is for this request. */
  private enforced = false;
  private allowed: string | undefined;

  constructor(
    private readonly name: string,
    private readonly stats: CorsStats,
    private readonly callbacks: FilterCallbacks,
  ) {
    super();
  }

  override decodeHeaders(headers: HeaderMap): HeadersStatus {
    const origin = headers.get("origin");
    if (!origin) return HeadersStatus.Continue;
    this.policies = policiesOf((this.callbacks.info as StreamFacts).currentRoute(), this.name);
    const [first] = this.policies;
    if (!first) return HeadersStatus.Continue;
    this.enforced = isIn(first.enabled, randomNumber());
    if (!this.enforced && !(first.shadow && isIn(first.shadow, randomNumber())))
      return HeadersStatus.Continue;
    const allowed = this.allows(origin);
    (allowed ? this.stats.valid : this.stats.invalid).inc();
    if (!this.enforced) return HeadersStatus.Continue;
    if (allowed) this.allowed = origin;
    const asked = headers.get("access-control-request-method");
    if (headers.get(":method") !== "OPTIONS" || !asked) return HeadersStatus.Continue;
    if (!allowed && (this.first("forwardNotMatchingPreflights") ?? true)) return HeadersStatus.Continue;
    this.callbacks.answer(this.preflight(headers, asked), "cors_response");
    return HeadersStatus.StopIteration;
  }

  /** What the nearest level says that says anything. */
  private first<K extends keyof CorsPolicyConfig>(key: K): CorsPolicyConfig[K] | undefined {
    for (const policy of this.policies) {
      const value = policy[key];
      if (value !== undefined && value !== "") return value;
    }
    return undefined;
  }

  private allows(origin: string): boolean {
    const origins = this.policies.find(({ allowOrigins }) => allowOrigins.length > 0)?.allowOrigins ?? [];
    return origins.some((match) => {
      const test = testOf(match);
      return test("*") || test(origin);
    });
  }

  private preflight(request: HeaderMap, method: string): HeaderMap {
    const response = HeaderMap.of("response", [[":status", "200"]]);
    const set = (name: string, value: string | undefined) => {
      if (value !== undefined) response.set(`access-control-${name}`, value);
    };
    set("allow-origin", this.allowed);
    if (this.first("allowCredentials")) set("allow-credentials", "true");
    const methods = this.first("allowMethods");
    set("allow-methods", methods === "*" ? method : methods);
    const headers = this.first("allowHeaders");
    const wanted = request.get("access-control-request-headers") ?? "";
    set("allow-headers", headers === "*" ? wanted : headers);
    set("max-age", this.first("maxAge"));
    if (
      this.first("allowPrivateNetworkAccess") &&
      request.get("access-control-request-private-network") === "true"
    )
      set("allow-private-network", "true");
    return response;
  }

  override encodeHeaders(headers: HeaderMap): HeadersStatus {
    if (!this.enforced || this.allowed === undefined) return HeadersStatus.Continue;
    headers.set("access-control-allow-origin", this.allowed);
    if (this.first("allowCredentials")) headers.set("access-control-allow-credentials", "true");
    const exposed = this.first("exposeHeaders");
    if (exposed !== undefined) headers.set("access-control-expose-headers", exposed);
    return HeadersStatus.Continue;
  }
}

/** Only routes that lead to a cluster have policies. */
function policiesOf(route: Route | undefined, name: string): readonly CorsPolicyConfig[] {
  if (route?.config.action.kind !== "cluster") return [];
  const own = route.filterConfigs.flatMap((configs) => configs.get(name) ?? []);
  return own.length > 0
    ? own
    : [route.config.action.cors, route.virtualHost.cors].filter((one) => one !== undefined);
}

const tests = new WeakMap<StringMatch, TextTest>();

function testOf(match: StringMatch): TextTest {
  let test = tests.get(match);
  if (!test) {
    test = textTest(match.kind, match.value, match.ignoreCase);
    tests.set(match, test);
  }
  return test;
}
