import { Action, HeaderName, HttpFilter, Pairs, registerHttp } from "proxy-wasm-toolkit/sdk";

/** Encoded once: a look-up with it allocates nothing but the value. */
const FORWARDED = new HeaderName("x-forwarded-for");
const COOKIE = new HeaderName("set-cookie");

/** Keeps a service's inner headers inside, both ways, and hardens its responses. */
class Headers extends HttpFilter {
  private hops: i32 = 0;

  onRequestHeaders(): Action {
    const headers = this.request.headers;
    // A header may come several times, and each may hold a list: never decide on the first one alone.
    const forwarded = headers.joined(FORWARDED);
    this.hops = forwarded == null ? 0 : forwarded.split(",").length;
    // The whole map, read once, filtered, and put back.
    headers.setPairs(withoutPrefix(headers.pairs(), "x-internal-"));
    // Missing is null, empty is "".
    if (headers.get("x-tenant") == null) headers.add("x-tenant", "public");
    return Action.Continue;
  }

  onResponseHeaders(): Action {
    const headers = this.response.headers;
    headers.setPairs(withoutPrefix(headers.pairs(), "x-internal-"));
    headers.replace("server", "shop");
    headers.add("x-content-type-options", "nosniff");
    headers.add("x-hops", this.hops.toString());
    this.hardenCookies();
    return Action.Continue;
  }

  /** Each `set-cookie` is a header of its own and stays one. */
  private hardenCookies(): void {
    const cookies = this.response.headers.getAll(COOKIE);
    this.response.headers.remove(COOKIE);
    for (let i = 0; i < cookies.length; i++) this.response.headers.add(COOKIE, `${cookies[i]}; HttpOnly`);
  }
}
registerHttp<Headers>("headers");

/** All pairs but those whose name begins with the prefix; values stay the bytes they are. */
function withoutPrefix(pairs: Pairs, prefix: string): Pairs {
  const kept = new Pairs();
  for (let i = 0; i < pairs.length; i++) {
    if (!pairs.name(i).startsWith(prefix)) kept.addBytes(pairs.nameBytes(i), pairs.valueBytes(i));
  }
  return kept;
}
