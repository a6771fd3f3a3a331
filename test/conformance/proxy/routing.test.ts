import { expect } from "vitest";
import type { Json } from "../../support/bootstrap";
import { type Behaviour, conformance } from "../../support/conformance";
import type { Http2Handler } from "../../support/http2-upstream";
import type { RawRequest } from "../../support/raw-client";

const direct = (match: Json, status: number): Json => ({ match, direct_response: { status } });
const ok: Http2Handler = ({ stream }) =>
  stream.respond({ ":status": 200, "x-from": "second" }, { endStream: true });

/** What the upstream gets of one more request. */
async function forwarded(b: Behaviour, request: RawRequest) {
  const before = b.upstream.requests.length;
  await b.exchange(request);
  return b.upstream.request(before);
}

/** A route action that leads to the behaviour's cluster. */
const to = (id: string, more: Json): Json => ({ match: { prefix: "/" }, route: { cluster: id, ...more } });

conformance("Routing: matches", ({ behaviour }) => {
  behaviour(
    "path_separated_prefix: whole segments only, with or without case",
    {
      routes: () => [
        direct({ path_separated_prefix: "/api" }, 211),
        direct({ path_separated_prefix: "/Web/x", case_sensitive: false }, 212),
        direct({ prefix: "/" }, 213),
      ],
    },
    async (b) => {
      const status = async (path: string) => (await b.exchange({ path })).status;
      expect(await status("/api")).toBe(211);
      expect(await status("/api?q")).toBe(211);
      expect(await status("/api/more")).toBe(211);
      expect(await status("/apis")).toBe(213);
      expect(await status("/API")).toBe(213);
      expect(await status("/wEb/X/y")).toBe(212);
      expect(await status("/web/xy")).toBe(213);
    },
  );

  behaviour(
    "runtime_fraction: all, none, and about half of the requests",
    {
      routes: () => [
        direct({ prefix: "/all", runtime_fraction: { default_value: { numerator: 100 } } }, 211),
        direct({ prefix: "/none", runtime_fraction: { default_value: {} } }, 212),
        direct(
          {
            prefix: "/half",
            runtime_fraction: { default_value: { numerator: 5000, denominator: "TEN_THOUSAND" } },
          },
          213,
        ),
        direct({ prefix: "/" }, 214),
      ],
    },
    async (b) => {
      expect((await b.exchange({ path: "/all" })).status).toBe(211);
      expect((await b.exchange({ path: "/none" })).status).toBe(214);
      const client = await b.connect();
      const seen: number[] = [];
      for (let i = 0; i < 200; i++) seen.push((await client.exchange({ path: "/half" })).status);
      const taken = seen.filter((status) => status === 213).length;
      // Six standard deviations.
      expect(taken).toBeGreaterThan(57);
      expect(taken).toBeLessThan(143);
    },
  );
});

conformance("Routing: clusters", ({ behaviour }) => {
  behaviour(
    "weighted_clusters: requests are spread by weight; weight 0 gets none",
    {
      routes: (id) => [
        {
          match: { prefix: "/90" },
          route: {
            weighted_clusters: {
              clusters: [
                { name: id, weight: 90 },
                { name: `${id}-h2`, weight: 10 },
              ],
            },
          },
        },
        {
          match: { prefix: "/0" },
          route: {
            weighted_clusters: {
              clusters: [
                { name: id, weight: 0 },
                { name: `${id}-h2`, weight: 1 },
              ],
            },
          },
        },
      ],
      http2: ok,
    },
    async (b) => {
      const client = await b.connect();
      let second = 0;
      for (let i = 0; i < 400; i++)
        if ((await client.exchange({ path: "/90" })).header("x-from") === "second") second++;
      expect(second).toBeGreaterThan(5);
      expect(second).toBeLessThan(80);
      for (let i = 0; i < 20; i++)
        expect((await client.exchange({ path: "/0" })).header("x-from")).toBe("second");
    },
  );

  behaviour(
    "a weighted cluster's own host and headers; those of the route come after",
    {
      routes: (id) => [
        {
          match: { prefix: "/" },
          route: {
            weighted_clusters: {
              clusters: [
                {
                  name: id,
                  weight: 1,
                  host_rewrite_literal: "canary.example",
                  request_headers_to_add: [
                    { header: { key: "x-cluster", value: "c" } },
                    {
                      header: { key: "x-both", value: "cluster" },
                      append_action: "OVERWRITE_IF_EXISTS_OR_ADD",
                    },
                  ],
                  request_headers_to_remove: ["x-gone"],
                  response_headers_to_add: [{ header: { key: "x-canary", value: "yes" } }],
                },
              ],
            },
            host_rewrite_literal: "route.example",
          },
          request_headers_to_add: [
            { header: { key: "x-both", value: "route" }, append_action: "OVERWRITE_IF_EXISTS_OR_ADD" },
          ],
        },
      ],
    },
    async (b) => {
      const response = await b.exchange({ host: "outer.example", headers: [["x-gone", "1"]] });
      const request = await b.upstream.request();
      expect(request.all("x-both")).toEqual(["route"]);
      expect(request.header("x-cluster")).toBe("c");
      expect(request.header("x-gone")).toBeUndefined();
      expect([request.header("host"), request.header("x-envoy-original-host")]).toEqual([
        "route.example",
        "canary.example",
      ]);
      expect(response.header("x-canary")).toBe("yes");
    },
  );

  behaviour(
    "cluster_header: the cluster that the request names; none or an unknown one is not found",
    {
      routes: () => [
        {
          match: { prefix: "/404" },
          route: { cluster_header: "x-cluster", cluster_not_found_response_code: "NOT_FOUND" },
        },
        {
          match: { prefix: "/500" },
          route: { cluster_header: "x-cluster", cluster_not_found_response_code: "INTERNAL_SERVER_ERROR" },
        },
        { match: { prefix: "/" }, route: { cluster_header: "X-Cluster" } },
      ],
    },
    async (b) => {
      const status = async (path: string, cluster?: string) =>
        (await b.exchange({ path, headers: cluster === undefined ? [] : [["x-cluster", cluster]] })).status;
      expect(await status("/", b.id)).toBe(200);
      expect(await status("/", "nobody")).toBe(503);
      expect(await status("/")).toBe(503);
      expect(await status("/404", "nobody")).toBe(404);
      expect(await status("/500", "nobody")).toBe(500);
    },
  );

  behaviour(
    "request_mirror_policies: a copy with body goes out, its answer is not seen",
    {
      routes: (id) => [to(id, { request_mirror_policies: [{ cluster: id }] })],
      upstream: (request, reply) =>
        reply.send({ status: request.header("host")!.includes("-shadow") ? 500 : 200 }),
    },
    async (b) => {
      const response = await b.exchange({
        method: "POST",
        host: "shop.example:8080",
        path: "/a?b",
        body: "text",
        headers: [["x-a", "1"]],
      });
      expect(response.status).toBe(200);
      const both = [await b.upstream.request(0), await b.upstream.request(1)];
      const seen = await Promise.all(
        both.map(async (r) => [r.startLine, r.header("host"), r.header("x-a"), await r.body()].join(" | ")),
      );
      expect(seen.sort()).toEqual([
        "POST /a?b HTTP/1.1 | shop.example-shadow:8080 | 1 | text",
        "POST /a?b HTTP/1.1 | shop.example:8080 | 1 | text",
      ]);
      const added = both.map((r) => [r.header("x-envoy-internal"), r.header("x-forwarded-for")]);
      expect(added.sort()).toEqual([
        [undefined, undefined],
        ["true", expect.stringMatching(/^\d+(\.\d+){3}$/)],
      ]);
    },
  );

  behaviour(
    "a mirror with the host as it is; another that takes no request",
    {
      routes: (id) => [
        to(id, {
          request_mirror_policies: [
            { cluster: id, disable_shadow_host_suffix_append: true },
            { cluster: id, runtime_fraction: { default_value: { numerator: 0 } } },
          ],
        }),
      ],
    },
    async (b) => {
      await b.exchange({ host: "shop.example" });
      const hosts = [await b.upstream.request(0), await b.upstream.request(1)].map((r) => r.header("host"));
      expect(hosts).toEqual(["shop.example", "shop.example"]);
      await b.exchange({ path: "/next" });
      await b.upstream.request(3);
      expect(b.upstream.requests).toHaveLength(4);
    },
  );
});

conformance("Routing: rewrites", ({ behaviour }) => {
  behaviour(
    "regex_rewrite: every match, groups, the query stays",
    {
      routes: (id) => [
        {
          match: { prefix: "/swap" },
          route: {
            cluster: id,
            regex_rewrite: { pattern: { regex: "/([a-z]+)-([0-9]+)" }, substitution: "/\\2-\\1-\\0-\\\\" },
          },
        },
        {
          match: { prefix: "/" },
          route: { cluster: id, regex_rewrite: { pattern: { regex: "a" }, substitution: "" } },
        },
      ],
    },
    async (b) => {
      const path = async (path: string) => {
        const request = await forwarded(b, { path });
        return [request.path, request.header("x-envoy-original-path")];
      };
      expect(await path("/swap/ab-12/cd-34?ab-12")).toEqual([
        "/swap/12-ab-/ab-12-\\/34-cd-/cd-34-\\?ab-12",
        "/swap/ab-12/cd-34?ab-12",
      ]);
      expect(await path("/banana?a")).toEqual(["/bnn?a", "/banana?a"]);
      expect(await path("/none")).toEqual(["/none", "/none"]);
    },
  );

  behaviour(
    "prefix_rewrite replaces what a path-separated prefix, a path or a regex has matched",
    {
      routes: (id) => [
        { match: { path_separated_prefix: "/api" }, route: { cluster: id, prefix_rewrite: "/v1" } },
        { match: { path: "/exact" }, route: { cluster: id, prefix_rewrite: "/other" } },
        { match: { safe_regex: { regex: "/re/.*" } }, route: { cluster: id, prefix_rewrite: "/whole" } },
      ],
    },
    async (b) => {
      const path = async (path: string) => (await forwarded(b, { path })).path;
      expect(await path("/api/users?q")).toBe("/v1/users?q");
      expect(await path("/api")).toBe("/v1");
      expect(await path("/exact?q")).toBe("/other?q");
      expect(await path("/re/x?q")).toBe("/whole?q");
    },
  );

  behaviour(
    "host_rewrite_header: the value of a header, if it has one",
    { routes: (id) => [to(id, { host_rewrite_header: "X-Host" })] },
    async (b) => {
      const host = async (headers: [string, string][]) => {
        const request = await forwarded(b, { host: "outer.example", headers });
        return [request.header("host"), request.header("x-envoy-original-host")];
      };
      expect(await host([["x-host", "inner.example"]])).toEqual(["inner.example", "outer.example"]);
      expect(await host([])).toEqual(["outer.example", undefined]);
      expect(await host([["x-host", ""]])).toEqual(["outer.example", undefined]);
    },
  );

  behaviour(
    "host_rewrite_path_regex: the host out of the path",
    {
      routes: (id) => [
        to(id, {
          host_rewrite_path_regex: { pattern: { regex: "^/([^/]+).*$" }, substitution: "\\1.example" },
        }),
      ],
    },
    async (b) => {
      await b.exchange({ path: "/shop/cart?x=/other" });
      const request = await b.upstream.request();
      expect([request.header("host"), request.path]).toEqual(["shop.example", "/shop/cart?x=/other"]);
    },
  );

  behaviour(
    "auto_host_rewrite: the chosen host's name",
    {
      routes: (id) => [to(id, { auto_host_rewrite: true })],
      cluster: (port) => ({
        type: "STRICT_DNS",
        load_assignment: {
          cluster_name: "any",
          endpoints: [
            {
              lb_endpoints: [
                { endpoint: { address: { socket_address: { address: "localhost", port_value: port } } } },
              ],
            },
          ],
        },
        dns_lookup_family: "V4_ONLY",
      }),
    },
    async (b) => {
      await b.exchange({ host: "outer.example" });
      const request = await b.upstream.request();
      expect([request.header("host"), request.header("x-envoy-original-host")]).toEqual([
        "localhost",
        "outer.example",
      ]);
    },
  );

  behaviour(
    "append_x_forwarded_host: the old host is kept behind those before",
    { routes: (id) => [to(id, { host_rewrite_literal: "inner.example", append_x_forwarded_host: true })] },
    async (b) => {
      const hosts = async (headers: [string, string][]) =>
        (await forwarded(b, { host: "outer.example", headers })).all("x-forwarded-host");
      expect(await hosts([])).toEqual(["outer.example"]);
      expect(await hosts([["x-forwarded-host", "first.example"]])).toEqual(["first.example,outer.example"]);
      expect(await hosts([["x-forwarded-host", "outer.example"]])).toEqual(["outer.example"]);
    },
  );

  behaviour(
    "redirect with regex_rewrite",
    {
      routes: () => [
        {
          match: { prefix: "/" },
          redirect: { regex_rewrite: { pattern: { regex: "^/old/(.*)$" }, substitution: "/new/\\1" } },
        },
      ],
    },
    async (b) => {
      const location = async (path: string) => (await b.exchange({ path, host: "h" })).header("location");
      expect(await location("/old/x?q=1")).toBe("http://h/new/x?q=1");
      expect(await location("/else?q=1")).toBe("http://h/else?q=1");
    },
  );
});
