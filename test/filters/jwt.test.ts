import type { JsonWebKey } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyConfig, anyRequest, bytes } from "./support/anything";
import { moduleSize, rawHeaders, refusals, withFilter } from "./support/filter";
import { jwks, newKey, secretKey, section, signed, token } from "./support/jwt";

const rsa = newKey("RSA", { kid: "a" });
const curve = newKey("P-256");
const ISSUER = "https://issuer.example";
const secret = secretKey(Buffer.from("secret"));
const rule = { issuer: ISSUER, jwks: jwks(rsa, curve, secret) };

describe("authz: what jwtRules refuse", () => {
  const rules = (more: object) => ({ jwtRules: [{ ...rule, ...more }] });
  const remote = (more: object) => ({ jwtRules: [{ issuer: "a", jwksUri: "https://a/b", ...more }] });
  const key = (json: object) => rules({ jwks: jwks(json as JsonWebKey) });
  const { n, e } = rsa.public;
  const { x, y } = curve.public;
  const refused: [config: unknown, why: string][] = [
    [{ jwtRules: [] }, "policies: missing"],
    [{ jwtRules: {} }, "jwtRules: expected a list"],
    [{ jwtRules: [{}] }, "jwtRules[0].issuer: expected a string"],
    [{ jwtRules: [{ issuer: "a" }] }, "jwtRules[0]: needs jwks or jwksUri"],
    [rules({ jwks: {} }), "jwtRules[0].jwks: expected a string"],
    [rules({ jwksUri: "https://a" }), "jwtRules[0].jwks: not beside jwksUri"],
    [rules({ jwksCluster: "a" }), "jwtRules[0].jwksCluster: needs jwksUri"],
    [rules({ timeout: "5s" }), "jwtRules[0].timeout: needs jwksUri"],
    [remote({ jwksUri: "ftp://a" }), "jwtRules[0].jwksUri: expected http"],
    [remote({ jwksUri: "https:///a" }), "jwtRules[0].jwksUri: expected http"],
    [remote({ jwksUri: "https://a:/" }), "jwtRules[0].jwksUri: expected http"],
    [remote({ jwksUri: "https://a b/" }), "jwtRules[0].jwksUri: expected http"],
    [remote({ jwksUri: "https://u@a/" }), "jwtRules[0].jwksUri: expected http"],
    [remote({ jwksUri: "https://a?b" }), "jwtRules[0].jwksUri: expected http"],
    [remote({ jwksCluster: "" }), "jwtRules[0].jwksCluster: must not be empty"],
    [remote({ timeout: "5" }), "jwtRules[0].timeout: expected a duration"],
    [remote({ timeout: "0s" }), "jwtRules[0].timeout: expected a duration"],
    [remote({ jwksCacheDuration: "25h" }), "jwtRules[0].jwksCacheDuration: expected a duration"],
    [rules({ issuer: "" }), "jwtRules[0].issuer: must not be empty"],
    [rules({ trigger: [] }), "jwtRules[0].trigger: unknown or unsupported field"],
    [rules({ audiences: [""] }), "jwtRules[0].audiences[0]: must not be empty"],
    [rules({ fromHeaders: [{ prefix: "a" }] }), "jwtRules[0].fromHeaders[0].name: expected a string"],
    [
      rules({ fromHeaders: [{ name: ":path" }] }),
      'jwtRules[0].fromHeaders[0].name: ":path" cannot be a header',
    ],
    [rules({ fromParams: [""] }), "jwtRules[0].fromParams[0]: must not be empty"],
    [rules({ fromCookies: [1] }), "jwtRules[0].fromCookies[0]: expected a string"],
    [rules({ outputPayloadToHeader: "a b" }), 'outputPayloadToHeader: "a b" cannot be a header'],
    [rules({ outputClaimToHeaders: [{ header: "a" }] }), "outputClaimToHeaders[0].claim: expected a string"],
    [rules({ jwks: "{" }), "jwtRules[0].jwks: Jwks is an invalid JSON"],
    [rules({ jwks: "[]" }), "jwtRules[0].jwks: Jwks is an invalid JSON"],
    [rules({ jwks: "{}" }), "jwtRules[0].jwks: Jwks does not have [keys] field"],
    [rules({ jwks: '{"keys":{}}' }), "jwtRules[0].jwks: [keys] in Jwks is not an array"],
    [rules({ jwks: '{"keys":[]}' }), "jwtRules[0].jwks: Jwks doesn't have any valid public key"],
    [rules({ jwks: '{"keys":[1]}' }), "jwtRules[0].jwks: keys[0]: expected an object"],
    [key({}), "keys[0]: [kty] is missing in [keys]"],
    [key({ kty: 1 }), "keys[0]: [kty] is bad in [keys]"],
    [key({ kty: "OKP", crv: "Ed25519", x }), "keys[0]: [kty] OKP is not supported in [keys]"],
    [rules({ jwks: jwks(rsa, { kty: "x" }) }), "keys[1]: [kty] x is not supported"],
    [key({ kty: "RSA", e }), "keys[0]: [n] field is missing for a RSA key"],
    [key({ kty: "RSA", n, e: 1 }), "keys[0]: [e] field is not string for a RSA key"],
    [key({ kty: "RSA", n, e, alg: "HS256" }), "[alg] is not started with [RS] or [PS] for an RSA key"],
    [key({ kty: "RSA", n, e: "AQ" }), "keys[0]: Jwks RSA [n] or [e] field is missing or has a parse error"],
    [key({ kty: "RSA", n: "Aw", e }), "keys[0]: Jwks RSA [n] or [e] field is missing or has a parse error"],
    [key({ kty: "RSA", n: "!", e }), "keys[0]: Jwks RSA [n] or [e] field is missing or has a parse error"],
    [key({ kty: "oct" }), "keys[0]: [k] field is missing for an HMAC key"],
    [key({ kty: "oct", k: 1 }), "keys[0]: [k] field is not string for an HMAC key"],
    [key({ kty: "oct", k: "" }), "keys[0]: Jwks Oct key is an invalid Base64"],
    [key({ kty: "oct", k: "!" }), "keys[0]: Jwks Oct key is an invalid Base64"],
    [key({ kty: "oct", k: "AA", alg: "RS256" }), "keys[0]: [alg] does not start with [HS] for an HMAC key"],
    [key({ kty: "EC", x, y, alg: "RS256" }), "[alg] is not started with [ES] for an EC key"],
    [key({ kty: "EC", x, y, crv: 1 }), "[crv] field is not string for an EC key"],
    [key({ kty: "EC", x, y, crv: "secp256k1" }), "[crv] or [alg] field is not supported for an EC key"],
    [
      key({ kty: "EC", x, y, crv: "P-384", alg: "ES256" }),
      "[crv] field specified is not compatible with [alg]",
    ],
    [key({ kty: "EC", x, crv: "P-256" }), "keys[0]: [y] field is missing for an EC key"],
    [key({ kty: "EC", x: 1, y, crv: "P-256" }), "keys[0]: [x] field is not string for an EC key"],
    [key({ kty: "EC", x: "!", y, crv: "P-256" }), "Jwks EC [x] or [y] field is an invalid Base64."],
    [key({ kty: "EC", x: n, y, crv: "P-256" }), "Jwks EC [x] and [y] fields have a parse error."],
  ];
  test.each(refused.map(([config, why]) => [why, config] as const))("%s", async (why, config) => {
    const refusal = await refusals("authz");
    expect(await refusal(config)).toContain(why);
  });
});

test("authz: clocks may differ by 60 seconds, not by more", async () => {
  const start = 1_800_000_000;
  const host = await withFilter("authz", { jwtRules: [rule] }, { now: new Date(start * 1000) });
  const ask = (claims: object) => {
    const exchange = host.request({
      headers: { authorization: `Bearer ${token(secret, { iss: ISSUER, ...claims }, { alg: "HS256" })}` },
    });
    if (!exchange.over) exchange.respond();
    return exchange;
  };
  expect(ask({ exp: start - 60 })).toBeForwarded();
  expect(ask({ exp: start - 61 })).toBeAnswered(401, "Jwt is expired");
  expect(ask({ exp: start - 60.1 })).toBeAnswered(401, "Jwt is expired");
  expect(ask({ nbf: start + 60 })).toBeForwarded();
  expect(ask({ nbf: start + 61 })).toBeAnswered(401, "Jwt not yet valid");
  // As the clock goes on.
  host.advance(1000);
  expect(ask({ exp: start - 60 })).toBeAnswered(401, "Jwt is expired");
  expect(ask({ nbf: start + 61 })).toBeForwarded();
});

describe("authz: nothing traps it", () => {
  const everything = {
    ...rule,
    audiences: ["shop"],
    fromHeaders: [{ name: "authorization", prefix: "Bearer " }, { name: "x-token" }],
    fromParams: ["t"],
    fromCookies: ["c"],
    outputPayloadToHeader: "x-payload",
    outputClaimToHeaders: [
      { header: "x-a", claim: "a" },
      { header: "x-b", claim: "a.b.c" },
    ],
  };
  const keys = ["jwtRules", ...Object.keys(everything), "name", "prefix", "header", "claim"];
  const texts = [
    ISSUER,
    "a",
    "x-a",
    "",
    rule.jwks,
    '{"keys":[{"kty":"RSA"}]}',
    '{"keys":[{"kty":"EC","x":"AA"}]}',
  ];

  test("whatever the configuration", async () => {
    const refusal = await refusals("authz");
    await fc.assert(
      fc.asyncProperty(anyConfig(keys, texts), async (config) => {
        expect((await refusal(config)) ?? "configuration refused: .").toMatch(/^configuration refused: ./);
      }),
      { numRuns: 1000 },
    );
  });

  const member = fc.constantFrom("kty", "kid", "alg", "crv", "n", "e", "x", "y", "k");
  const value = fc.oneof(
    fc.constantFrom<unknown>("RSA", "EC", "oct", "P-256", "P-521", "RS256", "ES512", "AQAB", "", null, 1, []),
    fc.base64String().map((text) => text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")),
    bytes,
  );
  const anyKey = fc.dictionary(member, value, { noNullPrototype: true });

  test("whatever the key set", async () => {
    const refusal = await refusals("authz");
    const sets = fc.array(fc.oneof(anyKey, fc.constant(rsa.public)), { maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(sets, async (list) => {
        const config = { jwtRules: [{ issuer: "a", jwks: JSON.stringify({ keys: list }) }] };
        expect((await refusal(config)) ?? "configuration refused: .").toMatch(/^configuration refused: ./);
      }),
      { numRuns: 1000 },
    );
  });

  /** Tokens from whole ones to any bytes between dots. */
  const claims = fc.oneof(
    fc.dictionary(fc.constantFrom("iss", "sub", "aud", "exp", "nbf", "iat", "jti", "a"), fc.jsonValue(), {
      noNullPrototype: true,
    }),
    fc.json(),
    bytes,
  );
  const good = { iss: ISSUER, aud: "shop" };
  const anyToken = fc.oneof(
    fc.jsonValue().map((a) => token(rsa, { ...good, a })),
    claims.map((value) => token(rsa, typeof value === "object" ? { ...good, ...value } : value)),
    fc
      .tuple(claims, fc.constantFrom("RS256", "RS384", "ES256", "ES512", "HS256", "PS256", "none"))
      .map(([value, alg]) => `${section({ alg })}.${section(value)}.${section(value)}`),
    fc
      .tuple(fc.json(), claims)
      .map(([header, value]) => signed(rsa, "RS256", `${section(header)}.${section(value)}`)),
    bytes.map(
      (signature) => `${token(curve, good, { alg: "ES256" }).replace(/[^.]*$/, "")}${section(signature)}`,
    ),
    fc.array(bytes, { maxLength: 5 }).map((parts) => parts.join(".")),
    fc.tuple(fc.nat(400), bytes).map(([at, junk]) => token(rsa, good).slice(0, at) + junk),
  );

  test("whatever the request", async () => {
    const host = await withFilter(
      "authz",
      { jwtRules: [everything, { ...rule, issuer: "b" }] },
      { trace: false },
    );
    let allowed = 0;
    const place = fc.constantFrom("authorization", "x-token", "cookie", ":path", "x-a");
    fc.assert(
      fc.property(anyRequest, fc.array(fc.tuple(place, anyToken), { maxLength: 3 }), (headers, tokens) => {
        const carried = tokens.map(([name, text]): [string, string] => {
          if (name === "authorization") return [name, `Bearer ${text}`];
          if (name === ":path") return [name, `/?t=${text}`];
          return [name, name === "cookie" ? `c=${text}` : text];
        });
        const exchange = host.request({ rawHeaders: rawHeaders([...headers, ...carried]) });
        if (exchange.over) return;
        allowed++;
        exchange.respond();
      }),
      { numRuns: 3000 },
    );
    expect(allowed).toBeGreaterThan(100);
  });

  test("the module stays under 128 KiB", () => {
    expect(moduleSize("authz")).toBeLessThan(131_072);
  });
});
