import { renameSync } from "node:fs";
import { expect } from "vitest";
import { LogUnderTest } from "../../support/access-logs";
import type { Json } from "../../support/bootstrap";
import { type Behaviour, conformance, type Setup } from "../../support/conformance";
import type { RawRequest } from "../../support/raw-client";

const text = (inline_string: string, more: Json = {}): Json => ({
  text_format_source: { inline_string },
  ...more,
});
const PATHS = text("%REQ(:PATH)%\n");

const at = (op: string, default_value: number): Json => ({
  comparison: { op, value: { default_value, runtime_key: "key" } },
});

/** Each filter, and which of these paths it lets through. */
const STATUSES = ["/200", "/404", "/503", "/flag", "/grpc"];
const FILTERS: [filter: Json, through: string[]][] = [
  [{ status_code_filter: at("EQ", 404) }, ["/404"]],
  [{ status_code_filter: at("NE", 404) }, ["/200", "/503", "/flag", "/grpc"]],
  [{ status_code_filter: at("GE", 404) }, ["/404", "/503", "/flag"]],
  [{ status_code_filter: at("LE", 404) }, ["/200", "/404", "/grpc"]],
  [{ duration_filter: at("LE", 60_000) }, STATUSES],
  [{ duration_filter: at("GE", 60_000) }, []],
  [{ not_health_check_filter: {} }, STATUSES],
  [{ traceable_filter: {} }, []],
  [{ runtime_filter: { runtime_key: "a", percent_sampled: { numerator: 100 } } }, STATUSES],
  [{ runtime_filter: { runtime_key: "a", percent_sampled: { numerator: 0 } } }, []],
  [{ header_filter: { header: { name: ":path", string_match: { suffix: "4" } } } }, ["/404"]],
  [{ header_filter: { header: { name: "x-none", present_match: true, invert_match: true } } }, STATUSES],
  [{ response_flag_filter: {} }, ["/flag"]],
  [{ response_flag_filter: { flags: ["UH"] } }, ["/flag"]],
  [{ response_flag_filter: { flags: ["UF", "NR"] } }, []],
  [{ grpc_status_filter: { statuses: ["NOT_FOUND"] } }, ["/grpc"]],
  [{ grpc_status_filter: { statuses: ["UNKNOWN"] } }, ["/200"]],
  [{ grpc_status_filter: { statuses: ["UNAVAILABLE", "UNIMPLEMENTED"] } }, ["/404", "/503", "/flag"]],
  [{ grpc_status_filter: { statuses: ["NOT_FOUND"], exclude: true } }, ["/200", "/404", "/503", "/flag"]],
  [{ log_type_filter: { types: ["DownstreamEnd"] } }, STATUSES],
  [{ log_type_filter: { types: ["DownstreamEnd"], exclude: true } }, []],
  [
    { and_filter: { filters: [{ status_code_filter: at("GE", 404) }, { response_flag_filter: {} }] } },
    ["/flag"],
  ],
  [
    { or_filter: { filters: [{ status_code_filter: at("EQ", 200) }, { response_flag_filter: {} }] } },
    ["/200", "/flag", "/grpc"],
  ],
];

/** Routes that answer with their own path's number; one has no hosts. */
const ROUTES = (id: string): Json[] => [
  { match: { path: "/flag" }, route: { cluster: "empty" } },
  { match: { path: "/grpc" }, route: { cluster: id } },
  ...[200, 404, 503].map((status) => ({ match: { path: `/${status}` }, direct_response: { status } })),
  { match: { prefix: "/" }, route: { cluster: id } },
];

interface Logged extends Setup {
  format: Json;
  requests?: RawRequest[];
  entry?: Json;
  lines: number;
}

conformance(
  "Access log files",
  ({ behaviour }) => {
    const logs = (
      name: string,
      { format, entry, requests = [{}], lines, ...setup }: Logged,
      check: (lines: string[], b: Behaviour) => void,
    ) => {
      const log = new LogUnderTest();
      behaviour(
        name,
        { ...setup, manager: { access_log: [log.entry(format, entry)], ...setup.manager } },
        async (b) => {
          for (const request of requests) await b.exchange(request);
          check(await log.lines(lines), b);
        },
      );
    };

    for (const [filter, through] of FILTERS) {
      const log = new LogUnderTest();
      behaviour(
        JSON.stringify(filter),
        {
          routes: ROUTES,
          // What comes last shows that nothing more will.
          manager: { access_log: [log.entry(PATHS, { filter }), log.entry(text("end\n"), { filter: LAST })] },
          upstream: (_, reply) => reply.send({ headers: [["grpc-status", "5"]] }),
        },
        async (b) => {
          for (const path of STATUSES) await b.exchange({ path });
          await b.exchange({ path: "/last" });
          const lines = await log.until("end");
          expect(lines.filter((line) => line !== "/last" && line !== "end")).toEqual(through);
        },
      );
    }

    const request: RawRequest = {
      path: "/p?q",
      headers: [
        ["user-agent", "me"],
        ["x-other", "1"],
      ],
    };
    const standard = new LogUnderTest();
    behaviour("without a format", { manager: { access_log: [standard.entry({})] } }, async (b) => {
      await b.exchange(request);
      const [line] = await standard.lines(1);
      expect(line!.replaceAll(String(b.upstream.port), "PORT")).toMatch(
        /^\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\] "GET \/p\?q HTTP\/1\.1" 200 - 0 2 \d+ \d+ "-" "me" "[0-9a-f-]{36}" "test\.example" "127\.0\.0\.1:PORT"$/,
      );
    });

    logs(
      "text: bytes as they came, - for what is missing",
      {
        format: text("[%REQ(x-a)%] [%REQ(x-none)%] [%REQ(x-a):3%] grün\n"),
        requests: [{ headers: [["x-a", 'a"\\\x80\xff\t<é']] }],
        lines: 1,
      },
      ([line]) =>
        expect(line).toBe(`[a"\\\x80\xff\t<é] [-] [a"\\] ${Buffer.from("grün").toString("latin1")}`),
    );
    logs(
      "text: nothing for what is missing, when asked for",
      { format: text("[%REQ(x-none)%] [%RESPONSE_FLAGS%]\n", { omit_empty_values: true }), lines: 1 },
      ([line]) => expect(line).toBe("[] [-]"),
    );

    const FIELDS: Json = {
      ...{
        zebra: "%PROTOCOL%",
        apple: "%RESPONSE_CODE%",
        none: "%REQ(x-none)%",
        mixed: "a%REQ(x-none)%b%RESPONSE_CODE%",
      },
      ...{
        flag: true,
        number: 1.5,
        big: 1e21,
        small: -0.25,
        null: null,
        plain: "50",
        percent: "50%%",
        'kéy "': "<%REQ(x-a)%>",
      },
      ...{ raw: "%REQ(x-a)%", list: ["%PROTOCOL%", "%REQ(x-none)%", null, 1, ["%REQ(x-none)%"]] },
      ...{
        map: { b: "%PROTOCOL%", a: "%REQ(x-none)%" },
        empty: { a: "%REQ(x-none)%", b: null },
        bare: {},
        array: [],
      },
      metadata: "%METADATA(ROUTE:ns)%",
    };
    /** Values of a header, and how they stand in JSON. */
    const VALUES: [value: string, json: string][] = [
      ["plain", "plain"],
      ["q\"uote\\ /<>&'", "q\\\"uote\\\\ /<>&'"],
      ["tab\tend", "tab\\tend"],
      ["gr\xc3\xbcn \xe2\x82\xac", "gr\xc3\xbcn \xe2\x82\xac"],
      ['bad \xff\x80 "', "bad \\u00ff\\u0080 \\u0022"],
    ];
    const BOTH = '"metadata":{"a":1.5,"b":[1,null,{"z":"<\xc3\xa9>"}],"n":null,"t":true},';
    const JSON_LINES: [omit: boolean, line: (raw: string) => string][] = [
      [
        false,
        (raw) =>
          `{"apple":200,"array":[],"bare":{},"big":1e+21,"empty":{"a":null,"b":null},"flag":true,"k\xc3\xa9y \\"":"<${raw}>",` +
          `"list":["HTTP/1.1",null,null,1,[null]],"map":{"a":null,"b":"HTTP/1.1"},${BOTH}"mixed":"a-b200","none":null,` +
          `"null":null,"number":1.5,"percent":"50%","plain":"50","raw":"${raw}","small":-0.25,"zebra":"HTTP/1.1"}`,
      ],
      [
        true,
        (raw) =>
          `{"apple":200,"array":[],"big":1e+21,"flag":true,"k\xc3\xa9y \\"":"<${raw}>","list":["HTTP/1.1",1,[]],` +
          `"map":{"b":"HTTP/1.1"},${BOTH}"mixed":"ab200","number":1.5,"percent":"50%","plain":"50","raw":"${raw}",` +
          `"small":-0.25,"zebra":"HTTP/1.1"}`,
      ],
    ];
    for (const [omit_empty_values, line] of JSON_LINES)
      logs(
        `JSON: ${omit_empty_values ? "without what is missing" : "null for what is missing"}`,
        {
          format: { json_format: FIELDS, omit_empty_values },
          routes: (id) => [
            {
              match: { prefix: "/" },
              route: { cluster: id },
              metadata: { filter_metadata: { ns: { b: [1, null, { z: "<é>" }], a: 1.5, t: true, n: null } } },
            },
          ],
          requests: VALUES.map(([value]) => ({ headers: [["x-a", value]] })),
          lines: VALUES.length,
        },
        (lines) => expect(lines).toEqual(VALUES.map(([, json]) => line(json))),
      );

    const forced = new LogUnderTest();
    const traceable = { filter: { traceable_filter: {} } };
    behaviour(
      "traceable_filter: requests that somebody inside wants to be traced, not those that chance takes",
      {
        manager: {
          tracing: {},
          use_remote_address: true,
          internal_address_config: { cidr_ranges: [{ address_prefix: "127.0.0.0", prefix_len: 8 }] },
          access_log: [forced.entry(PATHS, traceable), forced.entry(text("end\n"), { filter: LAST })],
        },
      },
      async (b) => {
        await b.exchange({ path: "/1" });
        await b.exchange({ path: "/2", headers: [["x-envoy-force-trace", "1"]] });
        await b.exchange({ path: "/last" });
        expect(await forced.until("end")).toEqual(["/2", "end"]);
      },
    );

    const moved = new LogUnderTest();
    behaviour(
      "POST /reopen_logs: lines go to the file that has the path now",
      { manager: { access_log: [moved.entry(PATHS)] } },
      async (b) => {
        await b.exchange({ path: "/1" });
        await moved.lines(1);
        renameSync(moved.path, `${moved.path}.old`);
        expect(await b.proxy.admin("/reopen_logs", "POST")).toBe("OK\n");
        await b.exchange({ path: "/2" });
        expect(await moved.lines(1)).toEqual(["/2"]);
      },
    );
  },
  { logFlushMs: 20 },
);

const LAST: Json = { header_filter: { header: { name: ":path", string_match: { exact: "/last" } } } };
