import { expect } from "vitest";
import { type Behaviour, conformance } from "../support/conformance";
import { percent, token } from "../support/guest-bytes";
import { field, number } from "../support/wire";

interface Declared {
  readonly?: boolean;
  type?: number;
  schema?: string;
  span?: number;
}

const BYTES = 0;
const STRING = 1;
const PROTOBUF = 3;
const REQUEST = 1;
const CONNECTION = 2;

/** The call that declares a property, for a script. */
function declare(name: string, { readonly, type, schema, span }: Declared = {}): string {
  const argument = Buffer.concat([
    field(1, name),
    ...(readonly ? [number(2, 1)] : []),
    ...(type === undefined ? [] : [number(3, type)]),
    ...(schema === undefined ? [] : [field(4, schema)]),
    ...(span === undefined ? [] : [number(5, span)]),
  ]);
  return `foreign declare_property ${token(argument)}`;
}

async function expectLogged(b: Behaviour, wanted: Record<string, string>): Promise<void> {
  const found = await Promise.all(Object.keys(wanted).map(async (name) => [name, await b.logged(name)]));
  expect(Object.fromEntries(found)).toEqual(wanted);
}

/** Two requests on one connection, then one on another. */
async function threeRequests(b: Behaviour): Promise<void> {
  const client = await b.connect();
  await client.exchange({});
  await client.exchange({});
  client.close();
  await b.exchange();
}

conformance("Properties set by guests", ({ behaviour }) => {
  behaviour(
    "a property can be set in every callback of a stream, and read in the later ones",
    {
      script: `
        on request_headers
          a = set-prop 1 mine
        on log
          b = prop mine
          c = set-prop 2 mine
        on done
          d = prop mine
          e = set-prop 3 mine
        on delete
          f = prop mine
          g = set-prop 4 mine
          h = prop mine`,
    },
    async (b) => {
      await b.exchange();
      await expectLogged(b, { a: "0", b: "0 1", c: "0", d: "0 2", e: "0", f: "0 3", g: "0", h: "0 4" });
    },
  );

  behaviour(
    "built-in names can be set: reads by name keep the built-in, filter_state has both",
    {
      script: `
        on request_headers
          a = set-prop x request
          b = prop request
          c = prop request path
          d = prop filter_state wasm.request
          e = set-prop y node
          f = prop node
          g = prop node id`,
    },
    async (b) => {
      await b.exchange({ path: "/p" });
      await expectLogged(b, { a: "0", b: "3", c: "0 /p", d: "0 x", e: "0", f: "0 y", g: "1" });
    },
  );

  behaviour(
    "an empty value is a value; an empty name is set and read through filter_state alone",
    {
      script: `
        on request_headers
          set-prop '' empty
          a = prop empty
          b = set-prop x ''
          c = prop ''
          d = prop filter_state wasm.
          e = prop filter_state wasm.none`,
    },
    async (b) => {
      await b.exchange();
      await expectLogged(b, { a: "0", b: "0", c: "3", d: "0 x", e: "1" });
    },
  );
});

conformance("Declared properties", ({ behaviour }) => {
  behaviour(
    "declaring twice, or with what is no declaration, is BadArgument; unknown types and spans are taken",
    {
      script: `
        on configure
          first = ${declare("a")}
          second = ${declare("a", { readonly: true })}
          other = ${declare("b", { readonly: true, type: STRING, span: CONNECTION })}
          type = ${declare("c", { type: 9 })}
          span = ${declare("d", { span: 9 })}
          nameless = ${declare("")}
          twice = foreign declare_property ''
          junk = foreign declare_property junk
          set = set-prop x a`,
    },
    async (b) => {
      await expectLogged(b, {
        ...{
          first: "0",
          second: "2",
          other: "0",
          type: "0",
          span: "0",
          nameless: "0",
          twice: "2",
          junk: "2",
        },
        set: "1",
      });
    },
  );

  behaviour(
    "a read-only property takes one value, from whichever plugin comes first",
    {
      script: [
        `
        on configure
          ${declare("ro", { readonly: true })}
          declared = ${declare("ro2", { readonly: true })}
        on request_headers
          a = set-prop 1 ro2
          b = set-prop 2 ro2
          c = prop ro2
        on log
          d = set-prop 3 ro2`,
        "on request_headers\n e = set-prop 4 ro2\n f = prop ro2",
      ],
    },
    async (b) => {
      await threeRequests(b);
      await expectLogged(b, { declared: "0", a: "0", b: "2", c: "0 1", d: "2", e: "2", f: "0 1" });
      expect(await b.allLogged("a")).toEqual(["0", "0", "0"]);
    },
  );

  behaviour(
    "a declaration counts for the streams of the root that made it: another plugin's value comes as bytes, mutable",
    {
      script: [
        "on request_headers\n a = set-prop 1 mine\n b = set-prop 2 mine",
        `
        on configure
          declared = ${declare("mine", { readonly: true })}
        on request_headers
          c = set-prop 3 mine
          d = prop mine`,
      ],
    },
    async (b) => {
      await b.exchange();
      await expectLogged(b, { declared: "0", a: "0", b: "0", c: "0", d: "0 3" });
    },
  );

  behaviour(
    "a declaration in a stream context is taken and has no effect, whatever is effective",
    {
      script: `
        on request_headers
          a = ${declare("late", { readonly: true })}
          b = ${declare("late", { readonly: true })}
          effective $root
          c = ${declare("later", { readonly: true })}
          nowhere = set-prop 1 later
          effective 0
          d = set-prop 1 late
          e = set-prop 2 late
          f = set-prop 1 later
          g = set-prop 2 later`,
    },
    async (b) => {
      await b.exchange();
      await expectLogged(b, { a: "0", b: "2", c: "0", nowhere: "1", d: "0", e: "0", f: "0", g: "0" });
    },
  );

  behaviour(
    "a property of connection span survives to the next request on its connection, others do not",
    {
      script: `
        on configure
          ${declare("unused")}
          a = ${declare("conn", { span: CONNECTION })}
          b = ${declare("req", { span: REQUEST })}
          c = ${declare("once", { span: CONNECTION, readonly: true })}
        on request_headers
          conn = prop conn
          state = prop filter_state wasm.conn
          req = prop req
          set-prop $n$stream conn
          set-prop x conn
          set-prop y req
          once = set-prop z once
        on log
          last = prop conn`,
    },
    async (b) => {
      await threeRequests(b);
      expect(await b.allLogged("conn")).toEqual(["1", "0 x", "1"]);
      expect(await b.allLogged("state")).toEqual(["1", "0 x", "1"]);
      expect(await b.allLogged("req")).toEqual(["1", "1", "1"]);
      expect(await b.allLogged("once")).toEqual(["0", "2", "0"]);
      expect(await b.allLogged("last")).toEqual(["0 x", "0 x", "0 x"]);
    },
  );

  const struct = field(1, Buffer.concat([field(1, "key"), field(2, field(3, "value"))]));
  const URL = "type.googleapis.com/";
  behaviour(
    "bytes and strings read alike; in an expression each is of its own type",
    {
      script: `
        on configure
          ${declare("unused")}
          a = ${declare("text", { type: STRING })}
          b = ${declare("raw", { type: BYTES })}
        on request_headers
          set-prop a%FFb text
          set-prop a%FFb raw
          text = prop text
          raw = prop raw
          set-prop abc text
          set-prop abc raw
          t = foreign expr_create ${token("text == 'abc' && filter_state['wasm.text'] == 'abc'")}
          is-text = foreign expr_evaluate $t
          u = foreign expr_create ${token("raw == b'abc' && raw != 'abc'")}
          is-bytes = foreign expr_evaluate $u`,
    },
    async (b) => {
      await b.exchange();
      await expectLogged(b, { text: "0 a%FFb", raw: "0 a%FFb", "is-text": "0 %01", "is-bytes": "0 %01" });
    },
  );

  behaviour(
    "a protobuf property: its bytes as a whole, its fields below it; an unknown type has no fields",
    {
      script: `
        on configure
          ${declare("unused")}
          a = ${declare("struct", { type: PROTOBUF, schema: `${URL}google.protobuf.Struct` })}
          b = ${declare("meta", { type: PROTOBUF, schema: `${URL}envoy.config.core.v3.Metadata` })}
          c = ${declare("unknown", { type: PROTOBUF, schema: "google.protobuf.Struct" })}
        on request_headers
          set-prop ${token(struct)} struct
          set-prop ${token(field(1, Buffer.concat([field(1, "ns"), field(2, struct)])))} meta
          set-prop ${token(struct)} unknown
          whole = prop struct
          key = prop struct key
          state = prop filter_state wasm.struct key
          deep = prop meta filter_metadata ns key
          none = prop meta nothing
          raw = prop unknown
          below = prop unknown key
          set-prop junk meta
          junk = prop meta
          broken = prop meta filter_metadata`,
    },
    async (b) => {
      await b.exchange();
      const bytes = `0 ${percent(struct)}`;
      await expectLogged(b, {
        ...{ whole: bytes, key: "0 value", state: "0 value", deep: "0 value", none: "1" },
        ...{ raw: bytes, below: "1", junk: "0 junk", broken: "1" },
      });
    },
  );
});

/** The call that makes one of Envoy's own objects. */
function setState(path: string, value: string, span = 0): string {
  const argument = Buffer.concat([field(1, path), field(2, value), ...(span === 0 ? [] : [number(3, span)])]);
  return `foreign set_envoy_filter_state ${token(argument)}`;
}

const BOOL = "envoy.bool";
const COUNT = "envoy.ratelimit.hits_addend";
const IDLE = "envoy.tcp_proxy.per_connection_idle_timeout_ms";
const TUNNEL = "envoy.tcp_proxy.disable_tunneling";
const IP = "envoy.network.ip";
const ADDRESS = "envoy.network.transport_socket.original_dst_address";

/** What each kind of object makes of a text: status, and what `filter_state.KEY` reads then. */
const OBJECTS: readonly [key: string, value: string, status: string, shown: string][] = [
  ...[
    "envoy.string",
    "envoy.hashable_string",
    "envoy.network.upstream_server_name",
    "envoy.network.upstream_subject_alt_names",
    "envoy.network.network_namespace",
    "envoy.upstream.dynamic_host",
    "envoy.tcp_proxy.cluster",
    "envoy.ai.model.request",
  ].map((key): [string, string, string, string] => [key, "a,,b", "0", "0 a,,b"]),
  ["envoy.string", "", "0", "0"],
  ["envoy.ai.model.request", "", "2", "1"],
  ["envoy.network.application_protocols", "h2", "0", "1"],
  ["envoy.router.debug_config", "x", "0", "1"],
  ...["true", "T", "yes", "y", "1"].map((v): [string, string, string, string] => [BOOL, v, "0", "0 true"]),
  ...["False", "f", "no", "n", "0"].map((v): [string, string, string, string] => [BOOL, v, "0", "0 false"]),
  ...["", "x", "1 ", "2"].map((v): [string, string, string, string] => [BOOL, v, "2", "1"]),
  [TUNNEL, "true", "0", "0 true"],
  [TUNNEL, "True", "0", "0 false"],
  [COUNT, "5", "0", "0 5"],
  [COUNT, " +05 ", "0", "0 5"],
  [COUNT, "4294967295", "0", "0 4294967295"],
  [COUNT, "4294967296", "2", "1"],
  [COUNT, "-1", "2", "1"],
  [COUNT, "", "2", "1"],
  [IDLE, "18446744073709551615", "0", "0 18446744073709551615"],
  [IDLE, "18446744073709551616", "2", "1"],
  [IP, "1.2.3.4", "0", "0 1.2.3.4:0"],
  [IP, "::1", "0", "0 [::1]:0"],
  [IP, "1.2.3.4:5", "2", "1"],
  [ADDRESS, "1.2.3.4:80", "0", "0 %00%00%00%00"],
  [ADDRESS, "[::1]:80", "0", "0 %00%00%00%00"],
  [ADDRESS, "1.2.3.4", "2", "1"],
  ["envoy.no_such_object", "x", "1", "1"],
  ["wasm.mine", "x", "1", "1"],
  ["", "x", "1", "3"],
];

conformance("Foreign function set_envoy_filter_state", ({ behaviour }) => {
  for (const [key, value, status, shown] of OBJECTS)
    behaviour(
      `${key} of ${JSON.stringify(value)}`,
      { script: `on request_headers\n s = ${setState(key, value)}\n v = prop filter_state ${token(key)}` },
      async (b) => {
        await b.exchange();
        await expectLogged(b, { s: status, v: shown });
      },
    );

  behaviour(
    "the parts of an address",
    {
      script: `
        on request_headers
          ${setState(ADDRESS, "[::1]:80")}
          ip = prop filter_state ${ADDRESS} ip
          port = prop-int filter_state ${ADDRESS} port
          none = prop filter_state ${ADDRESS} address`,
    },
    async (b) => {
      await b.exchange();
      await expectLogged(b, { ip: "0 ::1", port: "0 80", none: "1" });
    },
  );

  behaviour(
    "an object can be replaced, in on_log too, and is no property of a name of its own",
    {
      script: `
        on request_headers
          a = ${setState("envoy.string", "one")}
          b = ${setState("envoy.string", "two")}
          c = prop filter_state envoy.string
          d = prop envoy.string
        on log
          e = ${setState("envoy.string", "three")}
          f = prop filter_state envoy.string`,
    },
    async (b) => {
      await b.exchange();
      await expectLogged(b, { a: "0", b: "0", c: "0 two", d: "1", e: "0", f: "0 three" });
    },
  );

  behaviour(
    "the first span of an object stays: one of another span is Ok and not taken",
    {
      script: `
        on request_headers
          before = prop filter_state envoy.string
          a = ${setState("envoy.string", "chain")}
          b = ${setState("envoy.string", "connection", CONNECTION)}
          b2 = ${setState("envoy.string", "request", REQUEST)}
          c = prop filter_state envoy.string
          d = ${setState("envoy.hashable_string", "connection", CONNECTION)}
          e = ${setState("envoy.hashable_string", "chain")}
          f = prop filter_state envoy.hashable_string`,
    },
    async (b) => {
      await threeRequests(b);
      await expectLogged(b, { a: "0", b: "0", c: "0 chain", d: "0", e: "0", f: "0 connection" });
      expect(await b.allLogged("before")).toEqual(["1", "1", "1"]);
    },
  );

  behaviour(
    "what is no argument is BadArgument, a root context NotFound; the effective context counts",
    {
      script: `
        on configure
          root = ${setState("envoy.string", "x")}
        on request_headers
          junk = foreign set_envoy_filter_state junk
          none = foreign set_envoy_filter_state ''
          effective $root
          nowhere = ${setState("envoy.string", "x")}`,
    },
    async (b) => {
      await b.exchange();
      await expectLogged(b, { root: "1", junk: "2", none: "1", nowhere: "1" });
    },
  );
});
