import { expect } from "vitest";
import { LogUnderTest } from "../../support/access-logs";
import type { Json } from "../../support/bootstrap";
import { conformance } from "../../support/conformance";
import { h2Exchange } from "../../support/h2-client";
import type { RawRequest } from "../../support/raw-client";

const text = (inline_string: string, more: Json = {}): Json => ({
  text_format_source: { inline_string },
  ...more,
});
const status = (op: string, default_value: number): Json => ({
  status_code_filter: { comparison: { op, value: { default_value, runtime_key: "key" } } },
});

const CONFIG: Json = {
  mappers: [
    {
      filter: status("EQ", 404),
      status_code: 410,
      body: { inline_string: "gone" },
      headers_to_add: [{ header: { key: "x-mapped", value: "%RESPONSE_CODE% %REQ(:PATH)%" } }],
    },
    {
      filter: { response_flag_filter: { flags: ["UF"] } },
      status_code: 502,
      body_format_override: {
        json_format: { error: "%LOCAL_REPLY_BODY%", code: "%RESPONSE_CODE%", flags: "%RESPONSE_FLAGS%" },
      },
    },
    {
      filter: status("EQ", 418),
      body_format_override: text("<p>%LOCAL_REPLY_BODY%</p>", { content_type: "text/html" }),
    },
    { filter: status("EQ", 403), body: { inline_string: "" } },
    {
      filter: { header_filter: { header: { name: "x-odd", present_match: true } } },
      status_code: 299,
      headers_to_add: [{ header: { key: "content-type", value: "x/odd" } }],
      body: { inline_string: "odd" },
    },
  ],
  body_format: text("%RESPONSE_CODE%: %LOCAL_REPLY_BODY% (%RESPONSE_CODE_DETAILS%) %RESP(:status)%"),
};

const ROUTES = (id: string): Json[] => [
  { match: { path: "/flag" }, route: { cluster: "dead" } },
  { match: { path: "/none" }, route: { cluster: "empty" } },
  { match: { path: "/ok" }, route: { cluster: id } },
  ...[200, 201, 303, 404, 418, 403].map((code) => ({
    match: { path: `/${code}` },
    direct_response: { status: code, body: { inline_string: `body ${code}` } },
  })),
  {
    match: { path: "/format" },
    direct_response: {
      status: 200,
      body: { inline_string: "b" },
      body_format: { json_format: { body: "%LOCAL_REPLY_BODY%", path: "%REQ(:PATH)%" } },
    },
  },
  {
    match: { prefix: "/typed" },
    direct_response: { status: 201, body_format: text("<%PROTOCOL%>", { content_type: "text/x" }) },
  },
];

const REQUESTS: Readonly<Record<string, RawRequest>> = {
  flag: { path: "/flag" },
  "no host": { path: "/none" },
  "no route": { path: "/nowhere" },
  "the upstream's own": { path: "/ok" },
  fine: { path: "/200" },
  "not found": { path: "/404" },
  teapot: { path: "/418" },
  "an empty body": { path: "/403" },
  "a header of the request": { path: "/200", headers: [["x-odd", "1"]] },
  head: { path: "/404", method: "HEAD" },
  grpc: { path: "/none", method: "POST", headers: [["content-type", "application/grpc"]] },
  "grpc, mapped": { path: "/nowhere", method: "POST", headers: [["content-type", "application/grpc"]] },
  formatted: { path: "/format" },
  typed: { path: "/typed?q=1" },
  created: { path: "/201" },
  elsewhere: { path: "/303" },
};

const seen = new Map<string, unknown>();

/** Both engines must say the same; the first to come says what. */
function same(name: string, value: unknown): void {
  if (!seen.has(name)) seen.set(name, value);
  expect(value).toEqual(seen.get(name));
}

conformance(
  "Local replies",
  ({ behaviour }) => {
    for (const [name, config] of Object.entries({ configured: CONFIG, plain: undefined })) {
      const log = new LogUnderTest();
      const manager: Json = {
        ...(config && { local_reply_config: config }),
        access_log: [
          log.entry(
            text("%RESPONSE_CODE% %RESPONSE_CODE_DETAILS% %RESP(content-type)% [%LOCAL_REPLY_BODY%]\n"),
          ),
        ],
      };
      behaviour(`${name}: status, headers and body`, { routes: ROUTES, manager }, async (b) => {
        for (const [what, request] of Object.entries(REQUESTS)) {
          const { status: code, headers, text: body } = await b.exchange(request);
          const shown = headers.filter(([key]) => !["date", "x-envoy-upstream-service-time"].includes(key));
          same(`${name}, ${what}`, { code, shown, body });
        }
        const { status: code, headers, text: body } = await h2Exchange(b.port, { path: "/flag" });
        same(`${name}, HTTP/2`, { code, headers: headers.filter(([key]) => key !== "date"), body });
        same(`${name}, log`, await log.lines(Object.keys(REQUESTS).length + 1));
      });
    }

    behaviour(
      "a mapped reply is what it is said to be",
      { routes: ROUTES, manager: { local_reply_config: CONFIG } },
      async (b) => {
        const mapped = await b.exchange({ path: "/404" });
        expect([mapped.status, mapped.text, mapped.header("x-mapped")]).toEqual([
          410,
          "410: gone (direct_response) 410",
          "404 /404",
        ]);
        const json = await b.exchange({ path: "/flag" });
        expect([json.status, json.header("content-type")]).toEqual([502, "application/json"]);
        expect(JSON.parse(json.text)).toMatchObject({ code: 502, flags: "UF" });
      },
    );
  },
  { logFlushMs: 20 },
);
