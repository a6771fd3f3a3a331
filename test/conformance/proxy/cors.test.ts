import { expect } from "vitest";
import type { Json } from "../../support/bootstrap";
import { ROUTER } from "../../support/bootstrap";
import { type Behaviour, conformance, type Setup } from "../../support/conformance";
import type { RawHeaders } from "../../support/http-message";
import type { RawRequest } from "../../support/raw-client";

const NAME = "envoy.filters.http.cors";
const TYPE = "type.googleapis.com/envoy.extensions.filters.http.cors.v3";
const FILTER: Json = { name: NAME, typed_config: { "@type": `${TYPE}.Cors` } };
const ALL = { default_value: { numerator: 100 } };
const NONE = { default_value: { numerator: 0 } };

/** What `typed_per_filter_config` says to the filter. */
const policy = (fields: Json): Json => ({
  typed_per_filter_config: { [NAME]: { "@type": `${TYPE}.CorsPolicy`, ...fields } },
});

const from = (...origins: string[]): Json => ({
  allow_origin_string_match: origins.map((exact) => ({ exact })),
});

const FULL: Json = {
  ...from("http://a.example"),
  allow_methods: "GET,POST",
  allow_headers: "x-one,x-two",
  expose_headers: "x-three",
  max_age: "600",
  allow_credentials: true,
};

/** A route to the behaviour's cluster, with a policy under a level. */
function setup(route: Json, more: Setup = {}): Setup {
  return {
    manager: { http_filters: [FILTER, ROUTER] },
    routes: (id) => [{ match: { prefix: "/" }, route: { cluster: id }, ...route }],
    ...more,
  };
}

const preflight = (origin: string, more: RawHeaders = []): RawRequest => ({
  method: "OPTIONS",
  headers: [["origin", origin], ["access-control-request-method", "PUT"], ...more],
});

/** Status, headers of CORS in their order, and whether the upstream was asked. */
async function outcome(b: Behaviour, request: RawRequest) {
  const { length } = b.upstream.requests;
  const response = await b.exchange(request);
  const headers = response.headers
    .filter(([name]) => name.startsWith("access-control-"))
    .map(([name, value]) => `${name.slice("access-control-".length)}: ${value}`);
  return { status: response.status, headers, asked: b.upstream.requests.length > length };
}

conformance("CORS", ({ behaviour, proxy }) => {
  const counts = async (b: Behaviour) =>
    `${await proxy().stat(`http.${b.id}.cors.origin_valid`)} ${await proxy().stat(`http.${b.id}.cors.origin_invalid`)}`;

  behaviour(
    "a preflight is answered by the proxy, other requests are told on the way back",
    setup(policy(FULL)),
    async (b) => {
      expect(await outcome(b, preflight("http://a.example"))).toEqual({
        status: 200,
        headers: [
          "allow-origin: http://a.example",
          "allow-credentials: true",
          "allow-methods: GET,POST",
          "allow-headers: x-one,x-two",
          "max-age: 600",
          "expose-headers: x-three",
        ],
        asked: false,
      });
      expect(await outcome(b, { headers: [["origin", "http://a.example"]] })).toEqual({
        status: 200,
        headers: ["allow-origin: http://a.example", "allow-credentials: true", "expose-headers: x-three"],
        asked: true,
      });
      expect(await counts(b)).toBe("2 0");
    },
  );

  behaviour("strangers, and requests that say nothing of an origin", setup(policy(FULL)), async (b) => {
    const plain = { status: 200, headers: [], asked: true };
    expect(await outcome(b, preflight("http://b.example"))).toEqual(plain);
    expect(await outcome(b, { headers: [["origin", "http://b.example"]] })).toEqual(plain);
    expect(await counts(b)).toBe("0 2");
    expect(await outcome(b, {})).toEqual(plain);
    expect(await outcome(b, { headers: [["origin", ""]] })).toEqual(plain);
    expect(await counts(b)).toBe("0 2");
    // No preflight: it does not ask for a method.
    const simple = await outcome(b, { method: "OPTIONS", headers: [["origin", "http://a.example"]] });
    expect([simple.asked, simple.headers.length]).toEqual([true, 3]);
    const empty = await outcome(b, {
      method: "OPTIONS",
      headers: [
        ["origin", "http://a.example"],
        ["access-control-request-method", ""],
      ],
    });
    expect(empty.asked).toBe(true);
  });

  behaviour(
    "forward_not_matching_preflights false: strangers' preflights are answered, without an origin",
    setup(policy({ ...FULL, forward_not_matching_preflights: false })),
    async (b) => {
      expect(await outcome(b, preflight("http://b.example"))).toEqual({
        status: 200,
        headers: [
          "allow-credentials: true",
          "allow-methods: GET,POST",
          "allow-headers: x-one,x-two",
          "max-age: 600",
        ],
        asked: false,
      });
    },
  );

  behaviour(
    "* for methods and headers is what was asked for",
    setup(policy({ ...from("*"), allow_methods: "*", allow_headers: "*" })),
    async (b) => {
      const asked = await outcome(
        b,
        preflight("http://any.example", [["access-control-request-headers", "x-a, x-b"]]),
      );
      expect(asked.headers).toEqual([
        "allow-origin: http://any.example",
        "allow-methods: PUT",
        "allow-headers: x-a, x-b",
      ]);
      const none = await outcome(b, preflight("http://any.example"));
      expect(none.headers).toEqual([
        "allow-origin: http://any.example",
        "allow-methods: PUT",
        "allow-headers: ",
      ]);
    },
  );

  behaviour(
    "origins by every kind of matcher",
    setup(
      policy({
        allow_origin_string_match: [
          { prefix: "http://p" },
          { suffix: ".s.example" },
          { contains: "mid" },
          { exact: "HTTP://E.example", ignore_case: true },
          { safe_regex: { regex: "https?://r[0-9]+" } },
        ],
      }),
    ),
    async (b) => {
      const seen: string[] = [];
      for (const origin of [
        "http://p.example",
        "x://a.s.example",
        "a-mid-b",
        "http://e.EXAMPLE",
        "http://r1",
        "http://r1x",
        "http://nobody",
        "null",
      ]) {
        const { headers } = await outcome(b, { headers: [["origin", origin]] });
        if (headers.length > 0) seen.push(origin);
      }
      expect(seen).toEqual([
        "http://p.example",
        "x://a.s.example",
        "a-mid-b",
        "http://e.EXAMPLE",
        "http://r1",
      ]);
    },
  );

  behaviour(
    "a pattern that fits the star itself fits everything",
    setup(policy({ allow_origin_string_match: [{ safe_regex: { regex: "[*]" } }] })),
    async (b) =>
      expect((await outcome(b, preflight("http://x"))).headers).toEqual(["allow-origin: http://x"]),
  );

  behaviour(
    "levels: each field from the nearest that has it",
    {
      manager: { http_filters: [FILTER, ROUTER] },
      virtualHost: policy({ ...FULL, allow_private_network_access: true }),
      routes: (id) => [
        {
          match: { prefix: "/own" },
          route: { cluster: id },
          ...policy({ ...from("http://own.example"), max_age: "5", allow_credentials: false }),
        },
        {
          match: { prefix: "/weighted" },
          route: {
            weighted_clusters: {
              clusters: [{ name: id, weight: 1, ...policy({ allow_methods: "W" }) }],
            },
          },
        },
        { match: { prefix: "/" }, route: { cluster: id } },
      ],
    },
    async (b) => {
      const ask = async (path: string, origin: string) =>
        (
          await outcome(b, {
            ...preflight(origin, [["access-control-request-private-network", "true"]]),
            path,
          })
        ).headers;
      expect(await ask("/own", "http://own.example")).toEqual([
        "allow-origin: http://own.example",
        "allow-methods: GET,POST",
        "allow-headers: x-one,x-two",
        "max-age: 5",
        "allow-private-network: true",
        "expose-headers: x-three",
      ]);
      expect(await ask("/own", "http://a.example")).toEqual([]);
      expect(await ask("/weighted", "http://a.example")).toContain("allow-methods: W");
      expect(await ask("/", "http://a.example")).toContain("allow-private-network: true");
    },
  );

  behaviour(
    "filter_enabled and shadow_enabled",
    {
      manager: { http_filters: [FILTER, ROUTER] },
      routes: (id) =>
        (
          [
            ["/off", { filter_enabled: NONE }],
            ["/shadow", { filter_enabled: NONE, shadow_enabled: ALL }],
            ["/on", { filter_enabled: ALL, shadow_enabled: ALL }],
          ] as const
        ).map(([prefix, more]) => ({
          match: { prefix },
          route: { cluster: id },
          ...policy({ ...FULL, ...more }),
        })),
    },
    async (b) => {
      const asked = async (path: string) =>
        (await outcome(b, { ...preflight("http://a.example"), path })).asked;
      expect(await asked("/off")).toBe(true);
      expect(await counts(b)).toBe("0 0");
      expect(await asked("/shadow")).toBe(true);
      expect(await counts(b)).toBe("1 0");
      expect(await asked("/on")).toBe(false);
      expect(await counts(b)).toBe("2 0");
    },
  );

  behaviour(
    "no policy, a redirect, a direct response, no route: nothing",
    {
      manager: { http_filters: [FILTER, ROUTER] },
      routes: (id) => [
        { match: { prefix: "/direct" }, direct_response: { status: 200 }, ...policy(FULL) },
        { match: { prefix: "/redirect" }, redirect: { path_redirect: "/x" }, ...policy(FULL) },
        { match: { prefix: "/plain" }, route: { cluster: id } },
      ],
    },
    async (b) => {
      for (const path of ["/direct", "/redirect", "/plain", "/none"])
        expect((await outcome(b, { ...preflight("http://a.example"), path })).headers).toEqual([]);
      expect(await counts(b)).toBe("0 0");
    },
  );

  behaviour(
    "the cors fields of routes and virtual hosts count where nothing else does",
    {
      manager: { http_filters: [FILTER, ROUTER] },
      virtualHost: { cors: FULL },
      routes: (id) => [
        { match: { prefix: "/own" }, route: { cluster: id, cors: { ...from("http://own.example") } } },
        { match: { prefix: "/new" }, route: { cluster: id }, ...policy(from("http://new.example")) },
        { match: { prefix: "/" }, route: { cluster: id } },
      ],
    },
    async (b) => {
      const methods = async (path: string, origin: string) =>
        (await outcome(b, { ...preflight(origin), path })).headers.find((line) =>
          line.startsWith("allow-methods"),
        );
      expect(await methods("/own", "http://own.example")).toBe("allow-methods: GET,POST");
      expect(await methods("/own", "http://a.example")).toBeUndefined();
      expect(await methods("/", "http://a.example")).toBe("allow-methods: GET,POST");
      expect(await methods("/new", "http://new.example")).toBeUndefined();
      expect(await methods("/new", "http://a.example")).toBeUndefined();
    },
  );

  behaviour(
    "what the upstream says of itself is replaced; a filter before it sees the answer, details tell of it",
    {
      ...setup(policy(FULL), {
        upstream: (_, reply) =>
          reply.send({
            headers: [
              ["access-control-allow-origin", "*"],
              ["access-control-expose-headers", "x-up"],
              ["access-control-max-age", "1"],
            ],
          }),
      }),
    },
    async (b) => {
      const { headers } = await outcome(b, { headers: [["origin", "http://a.example"]] });
      expect(headers).toEqual([
        "allow-origin: http://a.example",
        "expose-headers: x-three",
        "max-age: 1",
        "allow-credentials: true",
      ]);
    },
  );

  behaviour(
    "headers that the route adds are not on the answer to a preflight",
    setup({ ...policy(FULL), response_headers_to_add: [{ header: { key: "x-added", value: "1" } }] }),
    async (b) => {
      const response = await b.exchange(preflight("http://a.example"));
      expect(response.header("x-added")).toBeUndefined();
      expect(response.header("content-length")).toBe("0");
      expect((await b.exchange({ headers: [["origin", "http://a.example"]] })).header("x-added")).toBe("1");
    },
  );
});
