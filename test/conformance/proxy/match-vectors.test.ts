import { expect } from "vitest";
import type { Json } from "../../support/bootstrap";
import { type Behaviour, conformance } from "../../support/conformance";
import type { RawHeaders } from "../../support/http-message";
import type { RawRequest } from "../../support/raw-client";

const HIT = 211;
const MISS = 212;

/** One route a matcher, found by its path; behind them one that takes the rest. */
const routes = (matches: readonly Json[]) => [
  ...matches.map((match, i) => ({
    match: { path: `/${i}`, ...match },
    direct_response: { status: HIT },
  })),
  { match: { prefix: "/" }, direct_response: { status: MISS } },
];

/** For each matcher the names of the requests that it takes. */
async function hits(
  b: Behaviour,
  matchers: readonly string[],
  requests: Readonly<Record<string, (path: string) => RawRequest>>,
): Promise<Record<string, string>> {
  const client = await b.connect();
  const found: Record<string, string> = {};
  for (const [i, matcher] of matchers.entries()) {
    const names: string[] = [];
    for (const [name, request] of Object.entries(requests)) {
      const { status } = await client.exchange(request(`/${i}`));
      if (status === HIT) names.push(name);
      else if (status !== MISS) names.push(`${name}=${status}`);
    }
    found[matcher] = names.join(" ");
  }
  client.close();
  return found;
}

const QUERIES = [
  "",
  "?",
  "?k",
  "?k=",
  "?k=v",
  "?K=v",
  "?k=V",
  "?k=v&k=w",
  "?k=w&k=v",
  "?x=1&k=v",
  "?k=v&",
  "?&k=v",
  "?kk=v",
  "?k==v",
  "?=v",
  "?k=v=v",
  "?k=v;x=1",
  "?x=1;k=v",
  "?%6b=v",
  "?k=%76",
  "?k=a%20b",
  "?k=a+b",
  "?k=12",
  "?k=v?k=w",
  "?k=%00",
];

const QUERY_MATCHERS: Readonly<Record<string, Json>> = {
  "no form": {},
  present: { present_match: true },
  absent: { present_match: false },
  "exact v": { string_match: { exact: "v" } },
  "exact v, any case": { string_match: { exact: "v", ignore_case: true } },
  "exact nothing": { string_match: { exact: "" } },
  "exact a%20b": { string_match: { exact: "a%20b" } },
  "exact a b": { string_match: { exact: "a b" } },
  "prefix v": { string_match: { prefix: "v" } },
  "suffix v": { string_match: { suffix: "v" } },
  "contains %": { string_match: { contains: "%" } },
  "regex .*": { string_match: { safe_regex: { regex: ".*" } } },
  "regex [0-9]+": { string_match: { safe_regex: { regex: "[0-9]+" } } },
};

/** First value, as it stands: nothing is decoded. */
const QUERY_HITS = {
  "no form":
    "?k ?k= ?k=v ?k=V ?k=v&k=w ?k=w&k=v ?x=1&k=v ?k=v& ?&k=v ?k==v ?k=v=v ?k=v;x=1 ?k=%76 ?k=a%20b ?k=a+b ?k=12 ?k=v?k=w ?k=%00",
  present:
    "?k ?k= ?k=v ?k=V ?k=v&k=w ?k=w&k=v ?x=1&k=v ?k=v& ?&k=v ?k==v ?k=v=v ?k=v;x=1 ?k=%76 ?k=a%20b ?k=a+b ?k=12 ?k=v?k=w ?k=%00",
  absent: "(none) ? ?K=v ?kk=v ?=v ?x=1;k=v ?%6b=v",
  "exact v": "?k=v ?k=v&k=w ?x=1&k=v ?k=v& ?&k=v",
  "exact v, any case": "?k=v ?k=V ?k=v&k=w ?x=1&k=v ?k=v& ?&k=v",
  "exact nothing": "?k ?k=",
  "exact a%20b": "?k=a%20b",
  "exact a b": "",
  "prefix v": "?k=v ?k=v&k=w ?x=1&k=v ?k=v& ?&k=v ?k=v=v ?k=v;x=1 ?k=v?k=w",
  "suffix v": "?k=v ?k=v&k=w ?x=1&k=v ?k=v& ?&k=v ?k==v ?k=v=v",
  "contains %": "?k=%76 ?k=a%20b ?k=%00",
  "regex .*":
    "?k ?k= ?k=v ?k=V ?k=v&k=w ?k=w&k=v ?x=1&k=v ?k=v& ?&k=v ?k==v ?k=v=v ?k=v;x=1 ?k=%76 ?k=a%20b ?k=a+b ?k=12 ?k=v?k=w ?k=%00",
  "regex [0-9]+": "?k=12",
};

const VALUES: Readonly<Record<string, readonly string[]>> = {
  none: [],
  empty: [""],
  a: ["a"],
  A: ["A"],
  ab: ["ab"],
  "a,b": ["a,b"],
  "a+b": ["a", "b"],
  "b+a": ["b", "a"],
  "b+b": ["b", "b"],
  7: ["7"],
  "-3": ["-3"],
  "07": ["07"],
  "7.0": ["7.0"],
  "+7": ["+7"],
  long: ["99999999999999999999"],
};

const FORMS: Readonly<Record<string, Json>> = {
  "no form": {},
  present: { present_match: true },
  absent: { present_match: false },
  "exact a": { string_match: { exact: "a" } },
  "exact nothing": { string_match: { exact: "" } },
  "prefix a": { string_match: { prefix: "a" } },
  "suffix b": { string_match: { suffix: "b" } },
  "contains a, any case": { string_match: { contains: "A", ignore_case: true } },
  "regex .*": { string_match: { safe_regex: { regex: ".*" } } },
  "regex a+": { string_match: { safe_regex: { regex: "a+" } } },
  "range 0 8": { range_match: { start: 0, end: 8 } },
  "range -3 0": { range_match: { start: -3, end: 0 } },
};

/** Each form as it is, inverted, and both with nothing in the place of what is missing. */
const HEADER_MATCHERS: Readonly<Record<string, Json>> = Object.fromEntries(
  Object.entries(FORMS).flatMap(([name, form]) => [
    [name, form],
    [`not ${name}`, { ...form, invert_match: true }],
    [`${name}, missing = empty`, { ...form, treat_missing_header_as_empty: true }],
    [`not ${name}, missing = empty`, { ...form, invert_match: true, treat_missing_header_as_empty: true }],
  ]),
);

const HEADER_HITS = {
  "no form": "7 empty a A ab a,b a+b b+a b+b -3 07 7.0 +7 long",
  "not no form": "none",
  "no form, missing = empty": "7 none empty a A ab a,b a+b b+a b+b -3 07 7.0 +7 long",
  "not no form, missing = empty": "",
  present: "7 empty a A ab a,b a+b b+a b+b -3 07 7.0 +7 long",
  "not present": "none",
  "present, missing = empty": "7 none empty a A ab a,b a+b b+a b+b -3 07 7.0 +7 long",
  "not present, missing = empty": "",
  absent: "none",
  "not absent": "7 empty a A ab a,b a+b b+a b+b -3 07 7.0 +7 long",
  "absent, missing = empty": "",
  "not absent, missing = empty": "7 none empty a A ab a,b a+b b+a b+b -3 07 7.0 +7 long",
  "exact a": "a a+b b+a",
  "not exact a": "7 empty A ab a,b b+b -3 07 7.0 +7 long",
  "exact a, missing = empty": "a a+b b+a",
  "not exact a, missing = empty": "7 none empty A ab a,b b+b -3 07 7.0 +7 long",
  "exact nothing": "empty",
  "not exact nothing": "7 a A ab a,b a+b b+a b+b -3 07 7.0 +7 long",
  "exact nothing, missing = empty": "none empty",
  "not exact nothing, missing = empty": "7 a A ab a,b a+b b+a b+b -3 07 7.0 +7 long",
  "prefix a": "a ab a,b a+b b+a",
  "not prefix a": "7 empty A b+b -3 07 7.0 +7 long",
  "prefix a, missing = empty": "a ab a,b a+b b+a",
  "not prefix a, missing = empty": "7 none empty A b+b -3 07 7.0 +7 long",
  "suffix b": "ab a,b a+b b+a b+b",
  "not suffix b": "7 empty a A -3 07 7.0 +7 long",
  "suffix b, missing = empty": "ab a,b a+b b+a b+b",
  "not suffix b, missing = empty": "7 none empty a A -3 07 7.0 +7 long",
  "contains a, any case": "a A ab a,b a+b b+a",
  "not contains a, any case": "7 empty b+b -3 07 7.0 +7 long",
  "contains a, any case, missing = empty": "a A ab a,b a+b b+a",
  "not contains a, any case, missing = empty": "7 none empty b+b -3 07 7.0 +7 long",
  "regex .*": "7 empty a A ab a,b a+b b+a b+b -3 07 7.0 +7 long",
  "not regex .*": "",
  "regex .*, missing = empty": "7 none empty a A ab a,b a+b b+a b+b -3 07 7.0 +7 long",
  "not regex .*, missing = empty": "",
  "regex a+": "a a+b b+a",
  "not regex a+": "7 empty A ab a,b b+b -3 07 7.0 +7 long",
  "regex a+, missing = empty": "a a+b b+a",
  "not regex a+, missing = empty": "7 none empty A ab a,b b+b -3 07 7.0 +7 long",
  "range 0 8": "7 07 +7",
  "not range 0 8": "empty a A ab a,b a+b b+a b+b -3 7.0 long",
  "range 0 8, missing = empty": "7 07 +7",
  "not range 0 8, missing = empty": "none empty a A ab a,b a+b b+a b+b -3 7.0 long",
  "range -3 0": "-3",
  "not range -3 0": "7 empty a A ab a,b a+b b+a b+b 07 7.0 +7 long",
  "range -3 0, missing = empty": "-3",
  "not range -3 0, missing = empty": "7 none empty a A ab a,b a+b b+a b+b 07 7.0 +7 long",
};

const DOMAINS = [
  "a.example",
  "a.example:8080",
  "B.Example",
  "*.a.example",
  "*.example",
  "*-x.example",
  "a.*",
  "a.ex*",
  "b.example:*",
  "*:9090",
];

const HOSTS = [
  "a.example",
  "A.EXAMPLE",
  "a.example:8080",
  "a.example:80",
  "a.example.",
  "b.example",
  "b.example:1",
  "b.example:",
  "x.a.example",
  "x.y.a.example",
  ".a.example",
  "c.example",
  "c-x.example",
  "-x.example",
  ".example",
  "a.exam",
  "a.ex",
  "a.other",
  "a.",
  "a",
  "other:9090",
  "other",
  "[::1]:9090",
];

conformance("Matches, one by one", ({ behaviour }) => {
  behaviour(
    "query parameters",
    {
      routes: () =>
        routes(Object.values(QUERY_MATCHERS).map((form) => ({ query_parameters: [{ name: "k", ...form }] }))),
    },
    async (b) => {
      const requests = Object.fromEntries(
        QUERIES.map((query) => [query === "" ? "(none)" : query, (path: string) => ({ path: path + query })]),
      );
      expect(await hits(b, Object.keys(QUERY_MATCHERS), requests)).toEqual(QUERY_HITS);
    },
  );

  behaviour(
    "headers",
    {
      routes: () =>
        routes(Object.values(HEADER_MATCHERS).map((form) => ({ headers: [{ name: "x-h", ...form }] }))),
    },
    async (b) => {
      const requests = Object.fromEntries(
        Object.entries(VALUES).map(([name, values]) => [
          name,
          (path: string) => ({ path, headers: values.map((value) => ["x-h", value]) as RawHeaders }),
        ]),
      );
      expect(await hits(b, Object.keys(HEADER_MATCHERS), requests)).toEqual(HEADER_HITS);
    },
  );

  behaviour(
    "domains of virtual hosts, and the order in which they are looked for",
    {
      manager: {
        route_config: {
          virtual_hosts: [
            // The order of the file has no say.
            ...DOMAINS.toReversed().map((domain) => host(domain)),
            host("*"),
          ],
        },
      },
    },
    async (b) => {
      const found: Record<string, string> = {};
      for (const name of HOSTS) found[name] = (await b.exchange({ host: name })).text;
      expect(found).toMatchInlineSnapshot(`
        {
          "-x.example": "*.example",
          ".a.example": "*.example",
          ".example": "*",
          "A.EXAMPLE": "a.example",
          "[::1]:9090": "*:9090",
          "a": "*",
          "a.": "*",
          "a.ex": "a.*",
          "a.exam": "a.ex*",
          "a.example": "a.example",
          "a.example.": "a.ex*",
          "a.example:80": "a.ex*",
          "a.example:8080": "a.example:8080",
          "a.other": "a.*",
          "b.example": "B.Example",
          "b.example:": "*",
          "b.example:1": "b.example:*",
          "c-x.example": "*-x.example",
          "c.example": "*.example",
          "other": "*",
          "other:9090": "*:9090",
          "x.a.example": "*.a.example",
          "x.y.a.example": "*.a.example",
        }
      `);
    },
  );
});

conformance("Routes that filters choose", ({ behaviour }) => {
  /** Answers tell which route was taken. */
  const chosen = () => [
    ...["one", "two"].map((name) => ({
      name,
      match: { prefix: "/", headers: [{ name: "x-to", string_match: { exact: name } }] },
      direct_response: { status: 200, body: { inline_string: name } },
    })),
    {
      name: "path",
      match: { path: "/p" },
      direct_response: { status: 200, body: { inline_string: "path" } },
    },
    {
      name: "rest",
      match: { prefix: "/" },
      direct_response: { status: 200, body: { inline_string: "rest" } },
    },
  ];
  const PLAIN = "on request_headers\n r = prop route_name";

  for (const [name, script, answer] of [
    ["none changes anything", [PLAIN], "rest"],
    ["a header is added", ["on request_headers\n add 0 x-to one"], "one"],
    [
      "a header is replaced after the route has been asked for",
      ["on request_headers\n r = prop route_name\n replace 0 x-to two"],
      "two",
    ],
    [
      "a header is removed again by the next one",
      ["on request_headers\n add 0 x-to one", "on request_headers\n r = prop route_name\n remove 0 x-to"],
      "rest",
    ],
    ["the path is replaced", ["on request_headers\n replace 0 :path /p?x"], "path"],
    ["a filter behind it asks", ["on request_headers\n add 0 x-to one", PLAIN], "one"],
    [
      "all headers are set",
      [
        "on request_headers\n set-pairs 0 :method GET :path /p :authority a :scheme http x-forwarded-proto http",
      ],
      "path",
    ],
    [
      "a header is added while the headers wait",
      ["on request_headers\n return 1\non request_body\n add 0 x-to one"],
      "one",
    ],
    [
      "the cache is cleared by hand",
      ["on request_headers\n add 0 x-to one\n foreign clear_route_cache ''"],
      "one",
    ],
  ] as const)
    behaviour(
      name,
      { script, routes: chosen, plugin: { allow_on_headers_stop_iteration: true } },
      async (b) => {
        const response = await b.exchange({ method: "POST", body: "x" });
        expect(response.text).toBe(answer);
      },
    );
});

function host(domain: string): Json {
  return {
    name: domain,
    domains: [domain],
    routes: [{ match: { prefix: "/" }, direct_response: { status: 200, body: { inline_string: domain } } }],
  };
}
