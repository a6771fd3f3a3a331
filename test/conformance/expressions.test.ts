import { expect } from "vitest";
import { type Behaviour, conformance } from "../support/conformance";
import { double, int64, pairBytes, percent, token } from "../support/guest-bytes";

/** Creates and evaluates each expression in the headers callback: `cN` is the token, `eN` the value. */
function evaluating(expressions: readonly string[]): string {
  const lines = expressions.map(
    (text, i) => ` c${i} = foreign expr_create ${token(text)}\n e${i} = foreign expr_evaluate $c${i}`,
  );
  return `on request_headers\n set-prop val mine\n${lines.join("\n")}`;
}

const ok = (bytes: Buffer | string) => (bytes.length === 0 ? "0" : `0 ${percent(bytes)}`);
const int = (n: number | bigint) => ok(int64(n));
const TRUE = "0 %01";
const FALSE = "0 %00";
const list = (...items: (Buffer | string)[]) => ok(pairBytes(...items.map((item) => [item, ""] as const)));

/** The statuses of what goes wrong. */
const ERROR = "10";
const UNSERIALIZABLE = "3";

type Rows = readonly (readonly [expression: string, result: string])[];
const SECTIONS: Readonly<Record<string, Rows>> = {
  "values of every type": [
    ["1", int(1)],
    ["-9223372036854775808", int(-(2n ** 63n))],
    ["1u", int(1)],
    ["1.5", ok(double(1.5))],
    ["-1.0 / 0.0", ok(double(Number.NEGATIVE_INFINITY))],
    ["'é'", ok("é")],
    ["r'\\d'", ok("\\d")],
    ["b'\\xff'", ok(Buffer.from([0xff]))],
    ["true", TRUE],
    ["duration('1.5s')", int(1_500_000_000)],
    ["duration('-1.5s')", int(-1_500_000_000)],
    ["timestamp('2020-01-01T00:00:00.5Z')", int(1_577_836_800_500_000_000n)],
    ["[1, 2]", list(int64(1), int64(2))],
    ["['a', true]", list("a", Buffer.from([1]))],
    ["[]", ok(Buffer.alloc(4))],
    ["{'a': 1}", ok(pairBytes(["a", int64(1)]))],
    ["{2: 'x'}", ok(pairBytes([int64(2), "x"]))],
    ["null", UNSERIALIZABLE],
    ["[null]", UNSERIALIZABLE],
    ["{'a': null}", UNSERIALIZABLE],
    ["type(1)", UNSERIALIZABLE],
  ],
  "attributes of the request": [
    ["request.path", ok("/p?q")],
    ["request.path.startsWith('/p')", TRUE],
    ["request.path.matches('^/[a-z]')", TRUE],
    ["matches(request.path, 'q$')", TRUE],
    ["request.path.matches('(')", ERROR],
    ["request['path']", ok("/p?q")],
    ["request.headers['x-a']", ok("1")],
    ["request.headers['X-A']", ok("1")],
    ["request.headers['x-multi']", ok("a,b")],
    ["request.headers['x-utf8'].size()", int(1)],
    ["request.headers['none']", ERROR],
    ["'x-a' in request.headers", TRUE],
    ["'none' in request.headers", FALSE],
    ["has(request.headers.none)", FALSE],
    ["request.headers.exists(h, h == 'x-a')", TRUE],
    ["request.time > timestamp('2020-01-01T00:00:00Z')", TRUE],
    ["request.time - request.time", int(0)],
    ["request.size + 1", int(1)],
    ["request.duration", ERROR],
    ["request.nothing", ERROR],
    ["request", UNSERIALIZABLE],
    ["nothing", ERROR],
    ["true || nothing", TRUE],
    ["true && nothing", ERROR],
    ["request.method in ['GET', 'POST'] && request.headers['x-a'] == '1'", TRUE],
  ],
  "attributes of the connection and the configuration": [
    ["!connection.mtls", TRUE],
    ["connection.id >= 0u", TRUE],
    ["source.port > 0", TRUE],
    ["upstream.address", ERROR],
    ["upstream.request_attempt_count == 0u", TRUE],
    ["xds.node.id + '-x'", ok("node-1-x")],
    ["xds.node.metadata.NUMBER", ok(double(5))],
    ["xds.node.metadata.NUMBER == 5", TRUE],
    ["xds.node.metadata['LABELS']['app']", ok("shop")],
    ["xds.node.metadata.LIST[1]", ok("b")],
    ["xds.node.metadata.LIST", list("a", "b")],
    ["xds.node.metadata.NOTHING == null", TRUE],
    ["xds.node.metadata.NONE", ERROR],
    ["has(xds.node.metadata.NONE)", FALSE],
    ["xds.node.locality", ok(Buffer.from([0x0a, 2, 0x72, 0x31]))],
    ["xds.node.nothing", ERROR],
    ["has(xds.node.id)", TRUE],
    ["metadata.filter_metadata", ok(Buffer.alloc(4))],
    ["plugin_name.size() > 0", TRUE],
    ["mine == b'val'", TRUE],
    ["mine == 'val'", FALSE],
    ["string(mine)", ok("val")],
    ["filter_state['wasm.mine']", ok("val")],
    ["filter_state", UNSERIALIZABLE],
  ],
  "operators and macros": [
    ["1 + 2 * 3", int(7)],
    ["1 / 0", ERROR],
    ["1 + 1.0", ERROR],
    ["1 == 1.0", TRUE],
    ["1 < 2u", TRUE],
    ["1 == 'a'", FALSE],
    ["9223372036854775807 + 1", ERROR],
    ["1 ? 2 : 3", ERROR],
    ["true ? 1 : 1 / 0", int(1)],
    ["1 / 0 > 0 || true", TRUE],
    ["[1, 2, 3].all(x, x > 0)", TRUE],
    ["[1, 2, 3].exists_one(x, x > 1)", FALSE],
    ["[1, 2, 3].filter(x, x > 1).map(x, x * 2)", list(int64(4), int64(6))],
    ["[1, 2][5]", ERROR],
    ["{'a': 1}.a", int(1)],
    ["1 in [1.0]", TRUE],
    ["int('5') + int('x')", ERROR],
    ["string(duration('1.5s'))", ok("1.500s")],
    ["timestamp('2020-01-01T00:00:00Z').getHours('America/New_York')", int(19)],
    ["google.protobuf.Duration{seconds: 5}", int(5_000_000_000)],
  ],
};

const NODE = {
  id: "node-1",
  locality: { region: "r1" },
  metadata: { LABELS: { app: "shop" }, NUMBER: 5, LIST: ["a", "b"], NOTHING: null },
};

async function expectValues(b: Behaviour, rows: Rows): Promise<void> {
  const found = await Promise.all(rows.map(async ([text], i) => [text, await b.logged(`e${i}`)]));
  expect(found).toEqual(rows);
}

conformance(
  "Expressions",
  ({ behaviour }) => {
    for (const [what, rows] of Object.entries(SECTIONS))
      behaviour(what, { script: evaluating(rows.map(([text]) => text)) }, async (b) => {
        await b.exchange({
          path: "/p?q",
          headers: [
            ["x-a", "1"],
            ["x-multi", "a"],
            ["x-multi", "b"],
            ["x-utf8", "\xc3\xa9"],
          ],
        });
        await expectValues(b, rows);
      });

    const REFUSED = [
      "",
      "(",
      "1 +",
      "foo(1)",
      "request.path.foo()",
      "'a'.upperAscii()",
      "cel.bind(x, 1, x)",
      "request.?path",
    ];
    behaviour(
      "what is no expression, or calls an unknown function, is BadArgument",
      { script: evaluating(REFUSED) },
      async (b) => {
        await b.exchange();
        const found = await Promise.all(REFUSED.map(async (text, i) => [text, await b.logged(`c${i}`)]));
        expect(found).toEqual(REFUSED.map((text) => [text, "2"]));
      },
    );

    behaviour(
      "tokens count from 0 and belong to the root: streams use what on_configure has made",
      {
        script: `
          on configure
            a = foreign expr_create request.path
            b = foreign expr_create 1
          on request_headers
            value = foreign expr_evaluate $a
            c = foreign expr_create 2`,
      },
      async (b) => {
        await b.exchange({ path: "/x" });
        expect(await b.logged("a")).toBe(ok(Buffer.from([0, 0, 0, 0])));
        expect(await b.logged("b")).toBe(ok(Buffer.from([1, 0, 0, 0])));
        expect(await b.logged("c")).toBe(ok(Buffer.from([2, 0, 0, 0])));
        expect(await b.logged("value")).toBe("0 /x");
      },
    );

    behaviour(
      "a deleted or unknown token is NotFound, a token of another size BadArgument",
      {
        script: `
          on request_headers
            t = foreign expr_create 1
            d = foreign expr_delete $t
            gone = foreign expr_evaluate $t
            again = foreign expr_delete $t
            unknown = foreign expr_evaluate %01%02%03%04
            short = foreign expr_evaluate %01
            none = foreign expr_evaluate ''
            bad = foreign expr_delete %01%02%03
            next = foreign expr_create 2`,
      },
      async (b) => {
        await b.exchange();
        const found = Object.fromEntries(
          await Promise.all(
            ["d", "gone", "again", "unknown", "short", "none", "bad"].map(async (n) => [
              n,
              await b.logged(n),
            ]),
          ),
        );
        expect(found).toEqual({
          d: "0",
          gone: "1",
          again: "0",
          unknown: "1",
          short: "2",
          none: "2",
          bad: "2",
        });
        expect(await b.logged("next")).toBe(ok(Buffer.from([1, 0, 0, 0])));
      },
    );

    behaviour(
      "an expression in a root context sees what a root has",
      {
        script: `
          on configure
            t = foreign expr_create xds.node.id
            id = foreign expr_evaluate $t
            u = foreign expr_create request.path
            path = foreign expr_evaluate $u`,
      },
      async (b) => {
        expect(await b.logged("id")).toBe("0 node-1");
        expect(await b.logged("path")).toBe(ERROR);
      },
    );

    behaviour(
      "an expression sees the attributes of its callback's own context, not of the effective one",
      {
        script: `
          on tick
            tick 0
            effective $stream
            t = foreign expr_create request.path
            path = foreign expr_evaluate $t
            prop = prop request path
            continue 0
          on request_headers
            effective $root
            tick 10
            return 1`,
      },
      async (b) => {
        await b.exchange({ path: "/x" });
        expect(await b.logged("prop")).toBe("0 /x");
        expect(await b.logged("path")).toBe(ERROR);
      },
    );

    const hundred = `[${Array.from({ length: 100 }, (_, i) => i)}]`;
    behaviour(
      "an evaluation ends after 10 000 turns of its loops, nested ones counted",
      {
        script: evaluating([
          `${hundred}.all(x, ${hundred}.all(y, true))`,
          `${hundred}.map(x, x < 90 ? 0 : ${hundred}.map(y, y).size()).size()`,
        ]),
      },
      async (b) => {
        await b.exchange();
        expect(await b.logged("e0")).toBe(ERROR);
        expect(await b.logged("e1")).toBe(int(100));
      },
    );
  },
  { bootstrap: { node: NODE } },
);
