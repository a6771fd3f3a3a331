import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type {
  HeaderMatcherConfig,
  QueryMatcherConfig,
  RouteAction,
  RouteMatch,
} from "../../../host/config/model";
import { headerFormat } from "../../../host/formatter/header-format";
import { routeMatcher } from "../../../host/proxy/router/matchers";
import { redirectLocation } from "../../../host/proxy/router/redirect";
import { routeChooser } from "../../../host/proxy/router/route";
import { RouteTable } from "../../../host/proxy/router/route-table";
import { HeaderMap } from "../../../host/stores/header-map";
import {
  bootstrap,
  cluster,
  listener,
  NO_MUTATION,
  route,
  toCluster,
  virtualHost,
} from "./support/bootstrap";
import { exchange } from "./support/raw-client";
import { type StartedProxy, startProxy } from "./support/start-proxy";
import { echo, httpUpstream, type Upstream } from "./support/upstream";

const rewriter = (action: RouteAction) =>
  routeChooser(route("/", action), virtualHost([]), {
    filterConfigs: new Map(),
    requestHeaderMutation: NO_MUTATION,
    responseHeaderMutation: NO_MUTATION,
  })(request("/"), 0).rewritePath;

const direct: RouteAction = { kind: "directResponse", status: 200, body: Buffer.alloc(0) };

function request(path: string, headers: [string, string][] = [], authority = "a.com"): HeaderMap {
  return HeaderMap.of("request", [
    [":authority", authority],
    [":path", path],
    [":method", "GET"],
    [":scheme", "http"],
    ["x-forwarded-proto", "http"],
    ...headers,
  ]);
}

function matches(match: Partial<RouteMatch>, path: string, headers: [string, string][] = []): boolean {
  const config: RouteMatch = {
    path: { kind: "prefix", value: "/" },
    fraction: undefined,
    caseSensitive: true,
    headers: [],
    queryParameters: [],
    ...match,
  };
  const mark = path.indexOf("?");
  const [bare, query] = mark < 0 ? [path, undefined] : [path.slice(0, mark), path.slice(mark + 1)];
  return routeMatcher(config)(request(path, headers), bare, query, 0);
}

function header(more: Partial<HeaderMatcherConfig>): HeaderMatcherConfig {
  return {
    name: "x-h",
    kind: "exact",
    value: "",
    present: true,
    range: { start: 0, end: 0 },
    ignoreCase: false,
    invert: false,
    treatMissingAsEmpty: false,
    ...more,
  };
}

function query(more: Partial<QueryMatcherConfig>): QueryMatcherConfig {
  return { name: "q", kind: "exact", value: "", ignoreCase: false, present: true, ...more };
}

describe("path", () => {
  test.each([
    ["prefix", "/a", "/abc", true],
    ["prefix", "/a", "/b", false],
    ["path", "/a", "/a?x=1", true],
    ["path", "/a", "/a/", false],
    ["regex", "/a.*", "/abc", true],
    ["regex", "/a", "/abc", false],
    ["regex", "/[0-9]+", "/42?x", true],
  ] as const)("%s %s on %s: %s", (kind, value, path, expected) => {
    expect(matches({ path: { kind, value } }, path)).toBe(expected);
  });

  test("case can be ignored", () => {
    expect(matches({ path: { kind: "prefix", value: "/A" }, caseSensitive: false }, "/abc")).toBe(true);
    expect(matches({ path: { kind: "path", value: "/A" } }, "/a")).toBe(false);
  });

  test("an evil pattern takes no exponential time", () => {
    expect(matches({ path: { kind: "regex", value: "/(a+)+b" } }, `/${"a".repeat(3000)}`)).toBe(false);
  });
});

describe("headers", () => {
  test.each([
    ["exact", { value: "v" }, "v", true],
    ["exact", { value: "v" }, "V", false],
    ["exact", { value: "v", ignoreCase: true }, "V", true],
    ["prefix", { value: "v" }, "vw", true],
    ["suffix", { value: "w" }, "vw", true],
    ["contains", { value: "b" }, "abc", true],
    ["regex", { value: "a.c" }, "abc", true],
    ["regex", { value: "b" }, "abc", false],
    ["range", { range: { start: 1, end: 10 } }, "9", true],
    ["range", { range: { start: 1, end: 10 } }, "10", false],
    ["range", { range: { start: 1, end: 10 } }, "9x", false],
    ["present", { present: true }, "", true],
    ["present", { present: false }, "", false],
    ["exact", { value: "v", invert: true }, "v", false],
    ["exact", { value: "v", invert: true }, "w", true],
  ] as const)("%s %o on %s: %s", (kind, more, value, expected) => {
    expect(matches({ headers: [header({ kind, ...more })] }, "/", [["x-h", value]])).toBe(expected);
  });

  test("values of a repeated header are tested alone; any counts", () => {
    const repeated: [string, string][] = [
      ["x-h", "guest"],
      ["x-h", "admin"],
    ];
    expect(matches({ headers: [header({ value: "admin" })] }, "/", repeated)).toBe(true);
    expect(matches({ headers: [header({ value: "guest,admin" })] }, "/", repeated)).toBe(false);
  });

  test("inverting does not make a missing header fit, treating it as empty does", () => {
    expect(matches({ headers: [header({ value: "v", invert: true })] }, "/")).toBe(false);
    expect(matches({ headers: [header({ value: "v", invert: true, treatMissingAsEmpty: true })] }, "/")).toBe(
      true,
    );
    expect(matches({ headers: [header({ kind: "present", invert: true })] }, "/")).toBe(true);
  });

  test("all must fit", () => {
    const both = [header({ value: "1" }), header({ name: "x-i", value: "2" })];
    expect(matches({ headers: both }, "/", [["x-h", "1"]])).toBe(false);
    expect(
      matches({ headers: both }, "/", [
        ["x-h", "1"],
        ["x-i", "2"],
      ]),
    ).toBe(true);
  });
});

describe("query parameters", () => {
  test.each([
    [query({ value: "1" }), "/?q=1", true],
    [query({ value: "1" }), "/?q=2&q=1", false],
    [query({ value: "a%20b" }), "/?q=a%20b", true],
    [query({ kind: "present" }), "/?q", true],
    [query({ kind: "present" }), "/?qq", false],
    [query({ kind: "present" }), "/", false],
    [query({ kind: "regex", value: "\\d+" }), "/?x=y&q=12", true],
  ])("%# on %s", (config, path, expected) => {
    expect(matches({ queryParameters: [config] }, path)).toBe(expected);
  });
});

describe("virtual hosts", () => {
  const table = new RouteTable(
    listener(
      [
        ["*.com", "*.a.com", "a.com", "a.*", "A.ORG", "*"].map((domain) =>
          virtualHost([route("/", direct, { name: domain })], { domains: [domain] }),
        ),
      ].flat(),
    ).http,
  );

  test.each([
    ["a.com", "a.com"],
    ["A.COM", "a.com"],
    ["x.a.com", "*.a.com"],
    ["y.com", "*.com"],
    ["a.net", "a.*"],
    ["a.org", "A.ORG"],
    ["a.com:80", "a.*"],
    [".com", "*"],
    ["else", "*"],
  ])("%s goes to %s", (authority, domain) => {
    expect(table.find(request("/", [], authority), 0)?.config.name).toBe(domain);
  });

  test("nothing is routed without a scheme or a path", () => {
    const headers = request("/");
    headers.remove("x-forwarded-proto");
    expect(table.find(headers, 0)).toBeUndefined();
    const pathless = request("/");
    pathless.remove(":path");
    expect(table.find(pathless, 0)).toBeUndefined();
  });

  test("any text is a safe authority", () => {
    fc.assert(
      fc.property(fc.string(), (authority) => {
        expect(table.find(request("/", [], authority), 0)).toBeDefined();
      }),
    );
  });
});

describe("redirects", () => {
  const base = {
    kind: "redirect",
    schemeRedirect: undefined,
    httpsRedirect: false,
    hostRedirect: undefined,
    portRedirect: undefined,
    pathRedirect: undefined,
    prefixRewrite: undefined,
    regexRewrite: undefined,
    code: 301,
    stripQuery: false,
  } as const;

  test.each([
    [{ hostRedirect: "b" }, "http://b/old?q=1"],
    [{ httpsRedirect: true }, "https://a.com:8080/old?q=1"],
    [{ portRedirect: 81 }, "http://a.com:81/old?q=1"],
    [{ hostRedirect: "b", portRedirect: 81 }, "http://b/old?q=1"],
    [{ pathRedirect: "/new" }, "http://a.com:8080/new?q=1"],
    [{ pathRedirect: "/new?x=2" }, "http://a.com:8080/new?x=2"],
    [{ pathRedirect: "/new", stripQuery: true }, "http://a.com:8080/new"],
    [{ prefixRewrite: "/new" }, "http://a.com:8080/newold?q=1"],
  ])("%o", (more, location) => {
    const action = { ...base, ...more };
    expect(redirectLocation(action, rewriter(action), request("/old?q=1", [], "a.com:8080"))).toBe(location);
  });

  // Taken from Envoy 1.40: what follows the host's name is never a part of it.
  test.each([
    [{ prefixRewrite: "" }, "/.b.com", "http://a.com/.b.com"],
    [{ pathRedirect: ".b.com?" }, "/", "http://a.com/.b.com?"],
    [{ regexRewrite: { pattern: "^/(.*)", substitution: "\\1" } }, "/.b.com/x?q", "http://a.com/.b.com/x?q"],
    [{ regexRewrite: { pattern: "x*", substitution: "-" } }, "/exq", "http://a.com/-/-e-q-"],
  ])("a path that begins without a slash gets one: %o of %s", (more, path, location) => {
    const action = { ...base, ...more };
    expect(redirectLocation(action, rewriter(action), request(path, [], "a.com"))).toBe(location);
  });

  test("a change of scheme drops the old scheme's port", () => {
    const action = { ...base, httpsRedirect: true };
    expect(redirectLocation(action, rewriter(action), request("/", [], "a.com:80"))).toBe("https://a.com/");
  });
});

describe("on the wire", () => {
  let upstream: Upstream;
  let started: StartedProxy;
  const add = (name: string, value: string) => ({
    name,
    value: headerFormat(value),
    action: "APPEND_IF_EXISTS_OR_ADD" as const,
    keepEmptyValue: false,
  });
  const level = (value: string, remove: string[] = []) => ({ add: [add("x-level", value)], remove });

  beforeAll(async () => {
    upstream = await httpUpstream(echo);
    const hostRewrite = { kind: "literal", value: "hh.example" } as const;
    const rewrite = { ...toCluster("app", 0), prefixRewrite: "/", hostRewrite };
    const more = { requestHeaders: level("route", ["x-gone"]), responseHeaders: level("route") };
    const hosts = [
      virtualHost(
        [
          route("/rw/", rewrite),
          route("/direct", { kind: "directResponse", status: 404, body: Buffer.from("hi") }, more),
          route("/empty", toCluster("empty")),
          route("/", toCluster("app"), more),
        ],
        { requestHeaders: level("vhost"), responseHeaders: level("vhost") },
      ),
    ];
    const http = { requestHeaderMutation: level("table"), responseHeaderMutation: level("table", ["date"]) };
    started = await startProxy(
      bootstrap([listener(hosts, http)], [cluster("app", upstream.port), cluster("empty", undefined)]),
    );
  });
  afterAll(async () => {
    await started.proxy.kill();
    await upstream.close();
  });

  test("headers are added route first, table last, and removed", async () => {
    const response = await exchange(started.port, "GET /x HTTP/1.1\r\nHost: a\r\nX-Gone: 1\r\n\r\n");
    expect(response).toContain("x-level: route\r\nx-level: vhost\r\nx-level: table\r\n");
    expect(response).toContain('"x-level","route","x-level","vhost","x-level","table"');
    expect(response).not.toContain("x-gone");
  });

  test("host and prefix rewrite leave their originals behind", async () => {
    const response = await exchange(started.port, "GET /rw/abc?q HTTP/1.1\r\nHost: a.com\r\n\r\n");
    expect(response).toContain('"url":"/abc?q"');
    expect(response).toContain('"host","hh.example"');
    expect(response).toContain('"x-envoy-original-host","a.com","x-envoy-original-path","/rw/abc?q"');
    expect(response).not.toContain("x-envoy-expected-rq-timeout-ms");
  });

  test("direct responses and local replies carry their route's headers", async () => {
    expect(await exchange(started.port, "GET /direct HTTP/1.1\r\nHost: a\r\n\r\n")).toBe(
      "HTTP/1.1 404 Not Found\r\nx-level: route\r\nx-level: vhost\r\nx-level: table\r\ncontent-length: 2\r\n" +
        "content-type: text/plain\r\ndate: D\r\nserver: envoy\r\n\r\nhi",
    );
    expect(await exchange(started.port, "GET /empty HTTP/1.1\r\nHost: a\r\n\r\n")).toContain(
      "HTTP/1.1 503 Service Unavailable\r\nx-level: vhost\r\nx-level: table\r\ncontent-length: 19\r\n",
    );
  });

  test("suppress_envoy_headers", async () => {
    const quiet = await startProxy(
      bootstrap(
        [
          listener(
            [
              virtualHost([route("/", { ...toCluster("app"), prefixRewrite: "/" })], {
                requestHeaders: NO_MUTATION,
              }),
            ],
            {
              httpFilters: [
                { kind: "router", name: "router", suppressEnvoyHeaders: true, respectExpectedTimeout: false },
              ],
            },
          ),
        ],
        [cluster("app", upstream.port)],
      ),
    );
    const response = await exchange(quiet.port, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    expect(response).not.toContain("x-envoy-");
    await quiet.proxy.kill();
  });
});
