import { describe, expect, test } from "vitest";
import type { TestHost } from "../../host/testing/index";
import { withFilter } from "./support/filter";
import { jwks, newKey, secretKey, token } from "./support/jwt";

const first = newKey("P-256", { kid: "1" });
const second = newKey("P-256", { kid: "2" });
const nameless = newKey("P-256");
const secret = secretKey(Buffer.from("secret"));
const ISSUER = "https://issuer.example";
const CLUSTER = "outbound|443||issuer.example";
const ES = { alg: "ES256" };
const good = token(first, { iss: ISSUER }, { ...ES, kid: "1" });
const rotated = token(second, { iss: ISSUER }, { ...ES, kid: "2" });
const FAILED = "Jwks remote fetch is failed";
const NO_KEY = "Jwks doesn't have key to match kid or alg from Jwt";

interface Server {
  status: number;
  body: string;
  afterMs: number;
}

/** The filter, and a server of keys that answers as `server` says at the moment. */
async function start(more: object = {}): Promise<{ host: TestHost; server: Server }> {
  const server: Server = { status: 200, body: jwks(first), afterMs: 10 };
  const jwtRules = [{ issuer: ISSUER, jwksUri: `${ISSUER}/keys?a=b`, ...more }];
  const host = await withFilter("authz", { jwtRules }, { clusters: { [CLUSTER]: () => ({ ...server }) } });
  return { host, server };
}

function ask(host: TestHost, text = good) {
  return host.request({ headers: { authorization: `Bearer ${text}` } });
}

/** Asks, and lets the server answer. */
function asked(host: TestHost, text = good) {
  const exchange = ask(host, text);
  host.advance(20);
  if (!exchange.over) exchange.respond();
  return exchange;
}

describe("keys from a server", () => {
  test("are asked for once, and all who need them wait", async () => {
    const { host } = await start();
    const waiting = Array.from({ length: 20 }, () => ask(host));
    const without = host.request();
    expect(without).toBeForwarded();
    without.respond();
    for (const exchange of waiting) expect(exchange).toBeHeld();
    host.advance(10);
    for (const exchange of waiting) {
      expect(exchange).toBeForwarded();
      expect(exchange.forwarded.headers?.get("authorization")).toBeUndefined();
      exchange.respond();
    }
    const [call, ...others] = host.calls(CLUSTER);
    expect(others).toEqual([]);
    expect([call!.method, call!.path, call!.headers.get(":authority")]).toEqual([
      "GET",
      "/keys?a=b",
      "issuer.example",
    ]);
    expect(call!.timeoutMs).toBe(5000);
    const later = ask(host);
    expect(later).toBeForwarded();
    later.respond();
  });

  test("a request with a body waits, and goes on whole", async () => {
    const { host } = await start();
    const exchange = host.request({
      method: "POST",
      headers: { authorization: `Bearer ${good}` },
      body: ["some", " body"],
    });
    expect(exchange).toBeHeld();
    host.advance(10);
    expect(exchange).toBeForwarded();
    expect(exchange.forwarded.body.toString()).toBe("some body");
    exchange.respond();
  });

  test("a client that leaves meanwhile is forgotten", async () => {
    const { host } = await start();
    const gone = ask(host);
    const stays = ask(host);
    gone.disconnect();
    host.advance(10);
    expect(stays).toBeForwarded();
    stays.respond();
  });

  test("only so many wait", async () => {
    const { host, server } = await start();
    // All are verified in one callback: no signature that takes long in Node.
    server.body = jwks(secret);
    const text = token(secret, { iss: ISSUER }, { alg: "HS256" });
    const many = Array.from({ length: 1003 }, () => ask(host, text));
    const refused = many.filter((exchange) => exchange.over);
    expect(refused).toHaveLength(3);
    expect(refused[0]).toBeAnswered(401, FAILED);
    host.advance(10);
    for (const exchange of many) if (!exchange.over) exchange.respond();
    expect(many.filter((exchange) => exchange.response.status === 200)).toHaveLength(1000);
  });

  test("are asked for again when they are too old", async () => {
    const { host, server } = await start({ jwksCacheDuration: "2m" });
    expect(asked(host)).toBeForwarded();
    host.advance(119_900);
    expect(asked(host)).toBeForwarded();
    expect(host.calls(CLUSTER)).toHaveLength(1);
    server.body = jwks(second);
    host.advance(100);
    expect(asked(host)).toBeAnswered(401, NO_KEY);
    expect(host.calls(CLUSTER)).toHaveLength(2);
  });

  test("old keys are no keys when the server fails", async () => {
    const { host, server } = await start();
    expect(asked(host)).toBeForwarded();
    server.status = 503;
    host.advance(300_000);
    expect(asked(host)).toBeAnswered(401, FAILED);
    server.status = 200;
    host.advance(10_000);
    expect(asked(host)).toBeForwarded();
  });

  test("a new key is found at once", async () => {
    const { host, server } = await start();
    expect(asked(host)).toBeForwarded();
    host.advance(100);
    server.body = jwks(first, second);
    const waiting = ask(host, rotated);
    expect(waiting).toBeHeld();
    // Who does not need it does not wait.
    const known = ask(host);
    expect(known).toBeForwarded();
    known.respond();
    host.advance(10);
    expect(waiting).toBeForwarded();
    waiting.respond();
    expect(host.calls(CLUSTER)).toHaveLength(2);
  });

  test("key ids of nobody make few calls", async () => {
    const { host } = await start();
    expect(asked(host)).toBeForwarded();
    for (let i = 0; i < 6000; i++) {
      const exchange = ask(host, rotated);
      host.advance(10);
      expect(exchange).toBeAnswered(401, NO_KEY);
    }
    // In a minute: after 0.1, 0.2, ... 6.4 seconds, then every ten.
    const calls = host.calls(CLUSTER).length;
    expect(calls).toBeGreaterThan(8);
    expect(calls).toBeLessThan(14);
  });

  test("a token without a key id, or with a wrong signature, makes none", async () => {
    const { host } = await start();
    expect(asked(host)).toBeForwarded();
    host.advance(1000);
    expect(asked(host, token(nameless, { iss: ISSUER }, ES))).toBeAnswered(401, "Jwt verification fails");
    expect(asked(host, token(nameless, { iss: ISSUER }, { ...ES, kid: "1" }))).toBeAnswered(
      401,
      "Jwt verification fails",
    );
    expect(asked(host, "a.b.c")).toBeAnswered(401);
    expect(asked(host, token(first, { iss: "x" }, ES))).toBeAnswered(401, "Jwt issuer is not configured");
    expect(host.calls(CLUSTER)).toHaveLength(1);
  });

  test.each<[string, Partial<Server>]>([
    ["an error", { status: 500 }],
    ["another success", { status: 204, body: "" }],
    ["a redirect", { status: 302 }],
    ["no JSON", { body: "<html>" }],
    ["no keys", { body: '{"keys":[]}' }],
    ["unknown keys", { body: '{"keys":[{"kty":"OKP"}]}' }],
    ["nothing", { body: "" }],
  ])("%s for an answer is none", async (_, answer) => {
    const { host, server } = await start();
    const before = { ...server };
    Object.assign(server, answer);
    expect(asked(host)).toBeAnswered(401, FAILED);
    // Not asked again at once.
    expect(ask(host)).toBeAnswered(401, FAILED);
    expect(host.calls(CLUSTER)).toHaveLength(1);
    Object.assign(server, before);
    host.advance(100);
    expect(asked(host)).toBeForwarded();
    expect(host).toHaveLogged(`${ISSUER}/keys?a=b: `);
  });

  test.each(["refused", "reset", "cut", "timeout"] as const)("a call that fails: %s", async (failure) => {
    const jwtRules = [{ issuer: ISSUER, jwksUri: ISSUER, jwksCluster: "keys", timeout: "2s" }];
    const host = await withFilter("authz", { jwtRules }, { clusters: { keys: { failure } } });
    const exchange = ask(host);
    host.advance(2000);
    expect(exchange).toBeAnswered(401, FAILED);
    expect(host.calls("keys")[0]!.path).toBe("/");
    expect(host.calls("keys")[0]!.timeoutMs).toBe(2000);
  });

  test("no host, or no such cluster", async () => {
    const jwtRules = [{ issuer: ISSUER, jwksUri: "http://[::1]:8080/k", jwksCacheDuration: "1s" }];
    const none = { "outbound|8080||[::1]": "no host" } as const;
    const host = await withFilter("authz", { jwtRules }, {});
    host.mockCluster("outbound|8080||[::1]", none["outbound|8080||[::1]"]);
    expect(ask(host)).toBeAnswered(401, FAILED);
    expect(ask(host)).toBeAnswered(401, FAILED);
  });

  test("a key that cannot be used is told, the others count", async () => {
    const { host, server } = await start();
    server.body = jwks({ kty: "OKP" }, first);
    expect(asked(host)).toBeForwarded();
    expect(host).toHaveLogged(`${ISSUER}/keys?a=b: keys[0]: [kty] OKP is not supported`);
  });

  test("two issuers, one after the other", async () => {
    const jwtRules = [
      {
        issuer: ISSUER,
        jwksUri: ISSUER,
        fromHeaders: [{ name: "a" }],
        outputClaimToHeaders: [{ header: "x", claim: "iss" }],
      },
      { issuer: "b", jwksUri: "http://b", fromHeaders: [{ name: "b" }] },
    ];
    const clusters = {
      [CLUSTER]: () => ({ status: 200, body: jwks(first), afterMs: 10 }),
      "outbound|80||b": () => ({ status: 200, body: jwks(second), afterMs: 10 }),
    };
    const host = await withFilter("authz", { jwtRules }, { clusters });
    const fromB = token(second, { iss: "b" }, ES);
    const both = host.request({ headers: { a: good, b: fromB, x: "forged" } });
    host.advance(20);
    expect(both).toBeForwarded();
    both.respond();
    const other = host.request({ headers: { a: "a.a.a", b: fromB, x: "forged" } });
    host.advance(20);
    expect(other).toBeForwarded();
    expect(other.forwarded.headers?.get("x")).toBeUndefined();
    other.respond();
  });
});
