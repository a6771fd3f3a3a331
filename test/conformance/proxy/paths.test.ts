import { expect, test } from "vitest";
import type { Json } from "../../support/bootstrap";
import { type DifferentialRequest, differential } from "../../support/differential";
import { oddPaths } from "../../support/odd-paths";

const LOG = `
on log
  path = get 0 :path
  details = prop response code_details
`;

/** What attackers write for `/admin`, and what else two readers may read differently. */
const KNOWN = [
  ...["/admin", "/a/../admin", "/a/./admin", "//admin", "/a//admin", "/%61dmin", "/%2fadmin", "/%2Fadmin"],
  ...[
    "/a%2f..%2fadmin",
    "/a/%2e%2e/admin",
    "/a/.%2e/admin",
    "/a/%2E./admin",
    "/a/..%2fadmin",
    "/a%2f../admin",
  ],
  ...[
    "/a\\..\\admin",
    "/\\admin",
    "/a%5c..%5cadmin",
    "/a%5C..%5Cadmin",
    "/admin%00",
    "/%00/admin",
    "/a%00/../admin",
  ],
  ...[
    "/admin?x=/../y",
    "/a?/../admin",
    "/a/..?admin",
    "/?",
    "/a?%2f//\\..",
    "/a%3f/../admin",
    "/admin#x",
    "/#",
  ],
  ...[
    "/..",
    "/.",
    "/../",
    "/../..",
    "/a/..",
    "/a/.",
    "/a/../",
    "/a/b/../..",
    "/a/b/../../..",
    "/...",
    "/a/.../b",
  ],
  ...[
    "/.hidden",
    "/..hidden",
    "/a.",
    "/a..",
    "/a../b",
    "/a;/../admin",
    "/;x=1/admin",
    "/a/..;/admin",
    "/a/.;x/b",
    "/a/%2e%2e;/b",
    "/a\\..;/b",
    "/a/..;",
  ],
  ...["/%", "/%4", "/%zz", "/%4%31", "/%%34%31", "/%%341", "/%2%65%2%65/", "/%25%32%65", "/%252e%252e/admin"],
  ...[
    '/|"{}^`<>[]',
    "/a b",
    "/\u00e9",
    "/%e9",
    "/%C3%A9",
    "/~%7e",
    "/%7E",
    "/%2D%5f",
    "/%21",
    "/%40:@",
    "/%2a*",
  ],
  ...[
    "/a///b//c/",
    "/a/%2f/b",
    "/%2f%2f",
    "/%5c%5c",
    "/%2F%5C",
    "//",
    "///",
    "//a//",
    "/a%2F",
    "/%2e",
    "/%2e%2e",
  ],
];

const SEED = Number(process.env.PATHS_SEED ?? 20_261_125);
const requests: DifferentialRequest[] = [...KNOWN, ...oddPaths(300, SEED)].map((path) => ({ path }));

const action = (path_with_escaped_slashes_action: string): Json => ({ path_with_escaped_slashes_action });
const ALL = { normalize_path: true, merge_slashes: true };

const MANAGERS: Readonly<Record<string, Json>> = {
  "nothing configured": {},
  normalize_path: { normalize_path: true },
  merge_slashes: { merge_slashes: true },
  "normalize_path, merge_slashes": ALL,
  IMPLEMENTATION_SPECIFIC_DEFAULT: { ...action("IMPLEMENTATION_SPECIFIC_DEFAULT"), ...ALL },
  KEEP_UNCHANGED: { ...action("KEEP_UNCHANGED"), normalize_path: true },
  REJECT_REQUEST: action("REJECT_REQUEST"),
  UNESCAPE_AND_REDIRECT: action("UNESCAPE_AND_REDIRECT"),
  UNESCAPE_AND_FORWARD: action("UNESCAPE_AND_FORWARD"),
  "REJECT_REQUEST after all": { ...action("REJECT_REQUEST"), ...ALL },
  "UNESCAPE_AND_REDIRECT, all": { ...action("UNESCAPE_AND_REDIRECT"), ...ALL },
  "UNESCAPE_AND_FORWARD, all": { ...action("UNESCAPE_AND_FORWARD"), ...ALL },
};

const routes = (id: string): Json[] => [
  { match: { prefix: "/admin" }, direct_response: { status: 403 } },
  { match: { prefix: "/" }, route: { cluster: id } },
];

differential(`Paths (seed ${SEED})`, (pair) => {
  for (const [name, manager] of Object.entries(MANAGERS)) {
    const both = pair({ manager, routes, loggers: [LOG] });
    test(name, async () => {
      const seen = await both.same(requests);
      expect(new Set(seen.map(({ status }) => status)).size).toBeGreaterThan(1);
    });
  }
});

differential("Paths of other kinds of requests", (pair) => {
  const grpc: DifferentialRequest["headers"] = [["content-type", "application/grpc"]];
  const managers: Readonly<Record<string, Json>> = {
    "nothing configured": {},
    "UNESCAPE_AND_REDIRECT, all": { ...action("UNESCAPE_AND_REDIRECT"), ...ALL },
    REJECT_REQUEST: { ...action("REJECT_REQUEST"), ...ALL },
  };
  for (const [name, manager] of Object.entries(managers)) {
    const both = pair({ manager, routes, loggers: [LOG] });
    test(name, async () => {
      await both.same([
        { path: "/a%2f../admin", headers: grpc, method: "POST", body: "" },
        { path: "/a%2fb", method: "POST", body: "body" },
        { path: "/a%2fb", method: "HEAD" },
        { path: "/%00", method: "POST", body: "body" },
        { path: "*", method: "OPTIONS" },
        { path: "http://a.example/a/../admin" },
        { path: "http://a.example/a%2fb?x" },
        { path: "http://a.example" },
        { http2: { path: "/a/../admin" } },
        { http2: { path: "/a%2fb" } },
        { http2: { path: "/a%2fb", method: "POST", body: "body" } },
        { http2: { path: "/a%2fb", method: "POST", headers: grpc } },
        { http2: { path: "/%00" } },
        { http2: { path: "/#x" } },
      ]);
    });
  }
});
