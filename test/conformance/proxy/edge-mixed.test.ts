import { expect, test } from "vitest";
import type { Json } from "../../support/bootstrap";
import { type DifferentialRequest, differential } from "../../support/differential";
import type { RawHeaders } from "../../support/http-message";
import { oddPaths, seeded } from "../../support/odd-paths";

/** Fields of the edge together, as no list of cases has them: random managers, random requests, one answer. */
const SEED = Number(process.env.EDGE_SEED ?? 20_261_126);
const random = seeded(SEED);
const maybe = (share: number): boolean => random() < share;
const one = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;

/** Some of the fields, each with one of its values. */
function some(fields: Readonly<Record<string, readonly unknown[]>>, share: number): Json {
  const chosen = Object.entries(fields).filter(() => maybe(share));
  return Object.fromEntries(chosen.map(([name, values]) => [name, one(values)]));
}

const cidr = (address_prefix: string, prefix_len: number): Json => ({ address_prefix, prefix_len });
const YES = [true];

const FIELDS: Readonly<Record<string, readonly unknown[]>> = {
  use_remote_address: YES,
  xff_num_trusted_hops: [0, 1, 2],
  skip_xff_append: YES,
  append_x_forwarded_port: YES,
  internal_address_config: [
    { cidr_ranges: [cidr("127.0.0.0", 8)] },
    { cidr_ranges: [cidr("10.0.0.0", 8), cidr("2001:db8::", 32)] },
    {},
  ],
  via: ["1.1 mine"],
  server_header_transformation: ["APPEND_IF_ABSENT", "PASS_THROUGH"],
  scheme_header_transformation: [{ scheme_to_overwrite: "https" }, { match_upstream: true }],
  add_user_agent: YES,
  generate_request_id: [true, false],
  preserve_external_request_id: YES,
  always_set_request_id_in_response: YES,
  normalize_path: YES,
  merge_slashes: YES,
  path_with_escaped_slashes_action: ["REJECT_REQUEST", "UNESCAPE_AND_REDIRECT", "UNESCAPE_AND_FORWARD"],
  strip_trailing_host_dot: YES,
};
const PORTS: readonly Json[] = [{}, { strip_any_host_port: true }, { strip_matching_host_port: true }];

const HEADERS: readonly (readonly [string, readonly string[]])[] = [
  ["x-forwarded-for", ["10.1.1.1", "203.0.113.7", "203.0.113.7,10.0.0.1", "2001:db8::1", "x", "127.0.0.1"]],
  ["x-forwarded-proto", ["https", "http", "ftp", ""]],
  ["x-forwarded-port", ["8443"]],
  ["x-forwarded-host", ["outer.example"]],
  ["x-request-id", ["own", "12345678-1234-9123-8123-1234567890ab", ""]],
  ["x-envoy-force-trace", ["1"]],
  ["x-envoy-decorator-operation", ["op"]],
  ["x-envoy-downstream-service-cluster", ["theirs"]],
  ["x-envoy-original-path", ["/was"]],
  ["x-envoy-internal", ["true"]],
  ["x-envoy-external-address", ["1.2.3.4"]],
  ["x-envoy-max-retries", ["2"]],
  ["via", ["1.0 theirs"]],
  ["referer", ["http://a.example/", "http://a.example/#x", "nowhere at all"]],
  ["user-agent", ["they/1"]],
  ["content-type", ["application/grpc"]],
];

const PATHS = oddPaths(40, SEED);
const HOSTS = ["a.example", "A.example:PORT", "a.example:80", "a.example.", "a.example.:8080", "[::1]:PORT"];

function request(): DifferentialRequest {
  const headers: RawHeaders = HEADERS.flatMap(([name, values]): RawHeaders => {
    if (!maybe(0.25)) return [];
    // The test's HTTP/2 client says these once only.
    const twice: RawHeaders = maybe(0.15) && name.startsWith("x-") ? [[name, one(values)]] : [];
    return [[name, one(values)], ...twice];
  });
  const path = maybe(0.5) ? one(PATHS) : one(["/", "/direct", "/server", "/%2f", "/a%5cb", "/#", "/x?y"]);
  if (maybe(0.2)) return { http2: { path: one(["/", "/direct", "/a%2fb", "/server"]), headers } };
  return { path, host: one(HOSTS), headers, ...(maybe(0.3) && { from: "127.0.0.2" }) };
}

const LOG = `
on log
  source = prop source address
  scheme = prop request scheme
  host = prop request host
  path = prop request path
  id = prop request id
  details = prop response code_details
`;

const MANAGERS = Array.from({ length: 16 }, () => ({ ...some(FIELDS, 0.3), ...one(PORTS) }));
const REQUESTS = MANAGERS.map(() => Array.from({ length: 40 }, request));

differential(`The edge, mixed (seed ${SEED})`, (pair) => {
  for (const [i, manager] of MANAGERS.entries()) {
    const both = pair({
      manager,
      loggers: [LOG],
      routes: (id) => [
        { match: { prefix: "/direct" }, direct_response: { status: 200 } },
        { match: { prefix: "/" }, route: { cluster: id } },
      ],
      upstream: async ({ path, message }, reply) => {
        await message;
        reply.send({ body: "ok", headers: path === "/server" ? [["Server", "theirs"]] : [] });
      },
    });
    test(JSON.stringify(manager), async () => {
      const seen = await both.same(REQUESTS[i]!);
      expect(seen.length).toBe(40);
    });
  }
});
