import { expect } from "vitest";
import type { Json } from "../../support/bootstrap";
import { type Behaviour, conformance } from "../../support/conformance";

const add = (key: string, value: string, more: Json = {}): Json => ({ header: { key, value }, ...more });

/** Headers `x-NAME` for formats by name. */
const added = (formats: Readonly<Record<string, string>>): Json[] =>
  Object.entries(formats).map(([name, value]) => add(`x-${name}`, value));

const METADATA = {
  ns: { text: "v", number: 1.5, flag: true, list: [1, "b"], map: { z: 1, a: { b: "deep" } } },
};

/** What of a message went under these names; absent = undefined. */
const values = (message: { header(name: string): string | undefined }, formats: object) =>
  Object.fromEntries(Object.keys(formats).map((name) => [name, message.header(`x-${name}`)]));

const REQUEST = {
  literal: "100%% sure",
  method: "%REQ(:METHOD)%",
  path: "a%PATH(NQ)%b",
  "path-only": "%PATH(NQ:PATH)%",
  query: "%QUERY_PARAM(q)%",
  "query-cut": "%QUERY_PARAM(q):2%",
  "query-empty": "[%QUERY_PARAM(flag)%]",
  "query-all": "%QUERY_PARAMS(ORIG)%",
  "query-decoded": "%QUERY_PARAMS(DECODED)%",
  first: "%REQ(x-many)%",
  cut: "%REQ(x-many):3%",
  alternative: "%REQ(x-none?x-many)%",
  missing: "%REQ(x-none)%",
  "missing-inside": "<%REQ(x-none)%>",
  protocol: "%PROTOCOL%",
  route: "%ROUTE_NAME%",
  cluster: "%UPSTREAM_CLUSTER%",
  raw: "%UPSTREAM_CLUSTER_RAW%",
  attempts: "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
  code: "%RESPONSE_CODE%",
  flags: "%RESPONSE_FLAGS%",
  "client-ip": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
  "client-net": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(8)%",
  "client-net-33": "<%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(33)%>",
  "client-net-word": "<%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(x)%>",
  "client-net-0": "<%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(0)%>",
  "local-ip": "%DOWNSTREAM_DIRECT_LOCAL_ADDRESS_WITHOUT_PORT%",
  id: "%STREAM_ID%",
  received: "%BYTES_RECEIVED%",
  metadata: "%METADATA(ROUTE:ns:text)%",
  "metadata-number": "%METADATA(ROUTE:ns:number)%",
  "metadata-flag": "%METADATA(ROUTE:ns:flag)%",
  "metadata-map": "%METADATA(ROUTE:ns:map)%",
  "metadata-list": "%METADATA(ROUTE:ns:list)%",
  "metadata-deep": "%METADATA(ROUTE:ns:map:a:b):2%",
  "metadata-cut": "%METADATA(ROUTE:ns:map):4%",
  "metadata-none": "%METADATA(ROUTE:ns:no)%",
  "cluster-metadata": "%CLUSTER_METADATA(ns:text)%",
  "host-metadata": "%UPSTREAM_METADATA(ns:text)%",
  "host-metadata-old": '%UPSTREAM_METADATA(["ns", "map", "a", "b"])%',
  "state-old": "%PER_REQUEST_STATE(some.key)%",
  sni: "%REQUESTED_SERVER_NAME%",
  "sni-host": "%REQUESTED_SERVER_NAME(SNI_FIRST)%",
  coalesced: '%COALESCE({"operators": ["ROUTE_NAME", {"command": "REQ", "param": "x-many"}]})%',
  "coalesced-second":
    '%COALESCE({"operators": [{"command": "REQ", "param": "x-none"}, {"command": "REQ", "param": "x-many", "max_length": 3}]}):2%',
  "end-of-argument": "%REQ(x-many)%)",
  environment: "%ENVIRONMENT(NO_SUCH_VARIABLE_HERE)%",
  state: "<%FILTER_STATE(nothing)%>",
  type: "%ACCESS_LOG_TYPE%",
  body: "<%LOCAL_REPLY_BODY%>",
  grpc: "<%GRPC_STATUS%>",
  filterchain: "<%FILTER_CHAIN_NAME%>",
  utf8: "grün %REQ(x-many)%",
};

const RESPONSE = {
  code: "%RESPONSE_CODE%",
  details: "%RESPONSE_CODE_DETAILS%",
  flags: "%RESPONSE_FLAGS%",
  "up-header": "%RESP(x-up)%",
  path: "%REQ(x-envoy-original-path?:path)%",
  "own-sent": "%RESP(x-code)%",
  host: "%UPSTREAM_HOST%",
  attempts: "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
  sent: "%BYTES_SENT%",
  upstream: "%UPSTREAM_PROTOCOL%",
  status: "%RESP(:STATUS)%",
};

const utf8 = (text: string | undefined) => Buffer.from(text ?? "", "latin1").toString("utf8");

conformance("Values of headers", ({ behaviour }) => {
  behaviour(
    "operators in request headers, out of the request, the route and the host",
    {
      routes: (id) => [
        {
          name: "the-route",
          match: { prefix: "/" },
          route: { cluster: id },
          metadata: { filter_metadata: METADATA },
          request_headers_to_add: added(REQUEST),
        },
      ],
      cluster: { alt_stat_name: "other", metadata: { filter_metadata: METADATA } },
    },
    async (b) => {
      await b.exchange({
        path: "/p/x?q=abc&flag&e=%41b",
        host: "a.example",
        headers: [
          ["x-many", "first"],
          ["x-many", "second"],
          ["x-request-id", "11111111-2222-4333-8444-555555555555"],
        ],
      });
      const request = await b.upstream.request();
      const seen = values(request, REQUEST);
      expect({ ...seen, utf8: utf8(seen.utf8) }).toEqual({
        literal: "100% sure",
        method: "GET",
        path: "a/p/xb",
        "path-only": "/p/x",
        query: "abc",
        "query-cut": "ab",
        "query-empty": "[]",
        "query-all": "q=abc&flag&e=%41b",
        "query-decoded": "q=abc&flag&e=Ab",
        first: "first",
        cut: "fir",
        alternative: "first",
        missing: undefined,
        "missing-inside": "<>",
        protocol: "HTTP/1.1",
        route: "the-route",
        cluster: "other",
        raw: b.id,
        attempts: "1",
        code: "0",
        flags: "-",
        "client-ip": "127.0.0.1",
        "client-net": "127.0.0.0/8",
        "client-net-33": "<127.0.0.1/32>",
        "client-net-word": "<127.0.0.1>",
        "client-net-0": "<0.0.0.0/0>",
        "local-ip": "127.0.0.1",
        id: request.header("x-request-id"),
        received: "0",
        metadata: "v",
        "metadata-number": "1.5",
        "metadata-flag": "true",
        "metadata-map": '{"a":{"b":"deep"},"z":1}',
        "metadata-list": '[1,"b"]',
        "metadata-deep": "de",
        "metadata-cut": '{"a"',
        "metadata-none": undefined,
        "cluster-metadata": "v",
        "host-metadata": undefined,
        "host-metadata-old": undefined,
        "state-old": undefined,
        sni: undefined,
        "sni-host": "a.example",
        coalesced: "the-route",
        "coalesced-second": "fi",
        "end-of-argument": "first)",
        environment: "-",
        state: "<>",
        type: "NotSet",
        body: "<>",
        grpc: "<>",
        filterchain: "<>",
        utf8: "grün first",
      });
    },
  );

  behaviour(
    "operators in response headers, out of the response as it came",
    {
      routes: (id) => [
        {
          match: { prefix: "/" },
          route: { cluster: id, prefix_rewrite: "/new/" },
          response_headers_to_add: added(RESPONSE),
        },
      ],
      upstream: (_, reply) => reply.send({ status: 203, headers: [["x-up", "yes"]], body: "hello" }),
    },
    async (b) => {
      const response = await b.exchange({ path: "/was" });
      expect(values(response, RESPONSE)).toEqual({
        code: "203",
        details: "via_upstream",
        flags: "-",
        "up-header": "yes",
        path: "/was",
        "own-sent": undefined,
        host: `127.0.0.1:${b.upstream.port}`,
        attempts: "1",
        sent: "0",
        upstream: "HTTP/1.1",
        status: "203",
      });
    },
  );

  behaviour(
    "operators in the headers of direct responses, redirects and local replies",
    {
      routes: () => [
        {
          match: { prefix: "/direct" },
          direct_response: { status: 418, body: { inline_string: "teapot" } },
          response_headers_to_add: added(RESPONSE),
        },
        {
          match: { prefix: "/moved" },
          redirect: { path_redirect: "/else" },
          response_headers_to_add: [...added(RESPONSE), add("x-location", "%RESP(location)%")],
        },
        { match: { prefix: "/dead" }, route: { cluster: "dead" }, response_headers_to_add: added(RESPONSE) },
        { match: { prefix: "/none" }, route: { cluster: "empty" }, response_headers_to_add: added(RESPONSE) },
      ],
    },
    async (b) => {
      const seen = async (path: string) => values(await b.exchange({ path }), RESPONSE);
      const direct = { code: "0", flags: "-", attempts: "0", sent: "0", details: "direct_response" };
      expect(await seen("/direct")).toEqual({ ...direct, status: "418", path: "/direct" });
      const moved = await b.exchange({ path: "/moved" });
      expect(moved.header("x-location")).toBe(moved.header("location"));
      expect(values(moved, RESPONSE)).toEqual({ ...direct, status: "301", path: "/moved" });
      expect(await seen("/none")).toEqual({
        ...direct,
        ...{ status: "503", path: "/none", flags: "UH", attempts: "1", details: "no_healthy_upstream" },
      });
      expect(await seen("/dead")).toEqual({
        ...direct,
        ...{ host: "127.0.0.1:1", status: "503", path: "/dead", flags: "UF", attempts: "1" },
        details: expect.stringMatching(/^upstream_reset_before_response_started\{remote_connection_failure/),
      });
    },
  );

  behaviour(
    "each level sees the headers as the level before left them, and overwrites before it adds",
    {
      routes: (id) => [
        {
          match: { prefix: "/" },
          route: { cluster: id },
          request_headers_to_remove: ["x-gone"],
          request_headers_to_add: [
            add("x-a", "%REQ(x-b)%+a"),
            add("x-b", "over", { append_action: "OVERWRITE_IF_EXISTS_OR_ADD" }),
            add("x-c", "%REQ(x-b)%+c"),
            add("x-d", "1"),
            add("x-d", "2", { append_action: "ADD_IF_ABSENT" }),
            add("x-e", "1"),
            add("x-e", "2", { append_action: "OVERWRITE_IF_EXISTS_OR_ADD" }),
            add("x-f", "2", { append_action: "OVERWRITE_IF_EXISTS" }),
            add("x-g", "<%REQ(x-gone)%>"),
            add("x-empty", "%REQ(x-none)%"),
            add("x-kept", "%REQ(x-none)%", { keep_empty_value: true }),
          ],
        },
      ],
      virtualHost: {
        request_headers_to_add: [add("x-vhost", "%REQ(x-b)%/%REQ(x-a)%"), add("x-f", "vhost")],
      },
    },
    async (b) => {
      await b.exchange({
        headers: [
          ["x-b", "sent"],
          ["x-gone", "1"],
        ],
      });
      const request = await b.upstream.request();
      const all = Object.fromEntries(
        ["a", "b", "c", "d", "e", "f", "g", "empty", "kept", "vhost"].map((n) => [n, request.all(`x-${n}`)]),
      );
      expect(all).toEqual({
        a: ["sent+a"],
        b: ["over"],
        c: ["sent+c"],
        d: ["1", "2"],
        e: ["2", "1"],
        f: ["vhost"],
        g: ["<>"],
        empty: [],
        kept: [""],
        vhost: ["over/sent+a"],
      });
    },
  );

  behaviour(
    "weighted clusters have values of their own",
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
                  request_headers_to_add: [add("x-one", "%UPSTREAM_CLUSTER_RAW%")],
                  response_headers_to_add: [add("x-two", "%RESPONSE_CODE%")],
                },
              ],
            },
          },
        },
      ],
    },
    async (b: Behaviour) => {
      const response = await b.exchange();
      expect(response.header("x-two")).toBe("200");
      expect((await b.upstream.request()).header("x-one")).toBe(b.id);
    },
  );
});
