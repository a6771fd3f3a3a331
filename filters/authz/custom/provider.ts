import { Pairs } from "proxy-wasm-toolkit/sdk";
import { decimal, lowerCase } from "proxy-wasm-toolkit/sdk/text/ascii";
import { parseDuration } from "proxy-wasm-toolkit/sdk/text/duration";
import { Glob } from "proxy-wasm-toolkit/sdk/text/glob";
import { Place } from "../place";

const KNOWN: string[] = [
  "service",
  "port",
  "cluster",
  "timeout",
  "pathPrefix",
  "failOpen",
  "statusOnError",
  "includeHeadersInCheck",
  "includeRequestHeadersInCheck",
  "includeAdditionalHeadersInCheck",
  "headersToUpstreamOnAllow",
  "headersToDownstreamOnDeny",
];

/** Istio's placeholder, which no real check should need. */
const TIMEOUT = 600000;
const FORBIDDEN = 403;

/** Somebody else who decides: what to ask of it, and what to do with the answer. */
export class Provider {
  name: string = "";
  cluster: string = "";
  timeout: u32 = TIMEOUT;
  pathPrefix: string = "";
  failOpen: bool = false;
  statusOnError: u32 = FORBIDDEN;
  /** Headers of the request it is shown, beside method, path, host and authorization. */
  shown: Names = new Names();
  /** Headers it is sent beside those. */
  readonly added: Pairs = new Pairs();
  upstreamOnAllow: Names = new Names();
  /** Without any: all of its answer. */
  downstreamOnDeny: Names = new Names();
}

/** Header names: exact, `p*` or `*s`, in any case. */
export class Names {
  private readonly globs: Glob[] = [];

  static read(place: Place): Names {
    const names = new Names();
    const items = place.list();
    for (let i = 0; i < items.length; i++) {
      const name = items[i].word();
      if (name == "*") items[i].fail("expected a name, p* or *s");
      names.globs.push(new Glob(lowerCase(name)));
    }
    return names;
  }

  get isEmpty(): bool {
    return this.globs.length == 0;
  }

  add(name: string): Names {
    this.globs.push(new Glob(name));
    return this;
  }

  /** Is the lower-case name among them? */
  has(name: string): bool {
    for (let i = 0; i < this.globs.length; i++) if (this.globs[i].matches(name)) return true;
    return false;
  }
}

/** Reads the mesh's `extensionProviders`, as far as they decide over requests by HTTP. */
export function readProviders(place: Place): Provider[] {
  const providers: Provider[] = [];
  const items = place.list();
  for (let i = 0; i < items.length; i++) {
    const item = items[i];
    if (!item.isObject(["name", "envoyExtAuthzHttp"])) continue;
    const provider = new Provider();
    provider.name = item.at("name").word();
    readHttp(item.at("envoyExtAuthzHttp"), provider);
    for (let k = 0; k < providers.length; k++) {
      if (providers[k].name == provider.name) item.at("name").fail("a second provider of this name");
    }
    providers.push(provider);
  }
  return providers;
}

function readHttp(place: Place, provider: Provider): void {
  if (!place.isObject(KNOWN)) return;
  const service = place.at("service").word();
  const port = place.at("port").integer(1, 65535);
  const cluster = place.at("cluster");
  // As Istio names the cluster of a service.
  provider.cluster = cluster.isMissing ? `outbound|${port}||${service}` : cluster.word();
  const timeout = place.at("timeout");
  if (!timeout.isMissing) {
    const ms = parseDuration(timeout.text()) / 1000000;
    if (ms < 1 || ms > TIMEOUT) timeout.fail("expected a duration from 1ms to 600s");
    else provider.timeout = <u32>ms;
  }
  const prefix = place.at("pathPrefix");
  provider.pathPrefix = prefix.textOr("");
  if (provider.pathPrefix != "" && !provider.pathPrefix.startsWith("/")) prefix.fail("expected a path");
  provider.failOpen = place.at("failOpen").flag();
  const status = place.at("statusOnError");
  if (!status.isMissing) {
    const code = decimal(status.text(), 3);
    if (code < 200 || code > 599) status.fail("expected a status such as 403");
    provider.statusOnError = <u32>code;
  }
  const old = Names.read(place.at("includeHeadersInCheck"));
  const shown = place.at("includeRequestHeadersInCheck");
  provider.shown = (shown.isMissing ? old : Names.read(shown)).add("authorization");
  readAdded(place.at("includeAdditionalHeadersInCheck"), provider);
  provider.upstreamOnAllow = Names.read(place.at("headersToUpstreamOnAllow"));
  provider.downstreamOnDeny = Names.read(place.at("headersToDownstreamOnDeny"));
}

function readAdded(place: Place, provider: Provider): void {
  const json = place.json;
  if (json == null || !place.fields.isObject(json, place.path)) return;
  for (let i = 0; i < json.keys.length; i++) {
    const name = lowerCase(json.keys[i]);
    const value = place.at(json.keys[i]);
    if (name == "" || name.startsWith(":")) value.fail("expected a header's name");
    provider.added.add(name, value.text());
  }
  if (provider.added.breaksLine) place.fail("must not have line breaks");
}
