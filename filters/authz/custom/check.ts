import {
  HeaderName,
  HttpCall,
  HttpFilter,
  HttpRequest,
  logWarn,
  Metric,
  MetricType,
  Pairs,
  Status,
} from "proxy-wasm-toolkit/sdk";
import { lowerCase } from "proxy-wasm-toolkit/sdk/text/ascii";
import { Ruling } from "../engine";
import { Facts } from "../facts";
import { Provider } from "./provider";

/** Whatever waits for a provider's word: goes on when it is heard. */
export abstract class Asking extends HttpFilter {
  abstract resume(): void;
}

/** Requests of which a provider decides, by the rules of CUSTOM policies. */
export class Check {
  readonly ok: Metric = Metric.define(MetricType.Counter, "ext_authz.ok");
  readonly denied: Metric = Metric.define(MetricType.Counter, "ext_authz.denied");
  readonly errors: Metric = Metric.define(MetricType.Counter, "ext_authz.error");
  readonly failedOpen: Metric = Metric.define(MetricType.Counter, "ext_authz.failure_mode_allowed");

  constructor(
    readonly provider: Provider,
    private readonly ruling: Ruling,
  ) {}

  /** Is the provider to be asked? */
  concerns(facts: Facts): bool {
    return this.ruling.decide(facts) != null;
  }

  /** Asks. True = the request goes on at once, as there is nobody to ask and that is allowed. */
  ask(filter: Asking): bool {
    const call = new CheckCall(this);
    const headers = requestOf(this.provider, filter.request);
    const status = call.send(filter, this.provider.cluster, headers, null, this.provider.timeout);
    if (status == Status.Ok) return false;
    logWarn(
      `provider ${this.provider.name} cannot be asked: no cluster ${this.provider.cluster}, or no host in it`,
    );
    return this.fail(filter);
  }

  /** There is no word from the provider. True = the request goes on. */
  fail(filter: Asking): bool {
    this.errors.increment(1);
    if (this.provider.failOpen) {
      this.failedOpen.increment(1);
      return true;
    }
    filter.sendLocalResponse(this.provider.statusOnError, "", null, -1, "ext_authz_error");
    return false;
  }
}

const CONTENT_LENGTH = "content-length";

/** Method, path, host and authorization, the headers it may see, and its own; repeated ones joined. */
function requestOf(provider: Provider, request: HttpRequest): Pairs {
  const all = request.headers.pairs();
  const headers = new Pairs();
  for (let i = 0; i < all.length; i++) {
    const name = all.name(i);
    if (name == ":path") headers.add(name, provider.pathPrefix + all.value(i));
    else if (name == ":method" || name == ":authority") headers.addBytes(all.nameBytes(i), all.valueBytes(i));
    else if (name != CONTENT_LENGTH && provider.shown.has(name)) {
      const key = new HeaderName(name);
      if (all.indexOf(key) == i) headers.add(name, all.values(key).join(","));
    }
  }
  headers.add(CONTENT_LENGTH, "0");
  for (let i = 0; i < provider.added.length; i++) {
    headers.addBytes(provider.added.nameBytes(i), provider.added.valueBytes(i));
  }
  return headers;
}

/** One question, and what its answer does. */
class CheckCall extends HttpCall {
  constructor(private readonly check: Check) {
    super();
  }

  onResponse(): void {
    const filter = this.owner as Asking;
    const status = this.status;
    if (status == 200) this.allow(filter);
    else if (status < 200 || (status >= 500 && status < 600)) this.onFailure();
    else this.deny(filter, status);
  }

  /** No connection and no answer in time come as 503 and 504. */
  onFailure(): void {
    const filter = this.owner as Asking;
    if (this.check.fail(filter)) filter.resume();
  }

  private allow(filter: Asking): void {
    this.check.ok.increment(1);
    const answer = this.headers.pairs();
    const names = this.check.provider.upstreamOnAllow;
    for (let i = 0; i < answer.length; i++) {
      const name = lowerCase(answer.name(i));
      if (!name.startsWith(":") && names.has(name)) {
        filter.request.headers.replaceBytes(name, answer.valueBytes(i));
      }
    }
    filter.resume();
  }

  private deny(filter: Asking, status: i32): void {
    this.check.denied.increment(1);
    const answer = this.headers.pairs();
    const names = this.check.provider.downstreamOnDeny;
    const headers = new Pairs();
    for (let i = 0; i < answer.length; i++) {
      const name = lowerCase(answer.name(i));
      if (name.startsWith(":") || name == CONTENT_LENGTH || name == "transfer-encoding") continue;
      const always = names.isEmpty || name == "www-authenticate" || name == "location";
      if (always || names.has(name)) headers.addBytes(answer.nameBytes(i), answer.valueBytes(i));
    }
    const body = this.body.bytes();
    filter.sendLocalResponseBytes(<u32>status, body, headers, -1, "ext_authz_denied");
  }
}
