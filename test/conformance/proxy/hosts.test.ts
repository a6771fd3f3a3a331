import { expect, test } from "vitest";
import type { Json } from "../../support/bootstrap";
import { conformance } from "../../support/conformance";
import { type DifferentialRequest, differential } from "../../support/differential";

const LOG = `
on log
  host = get 0 :authority
  virtual = prop xds virtual_host_name
`;

/** `PORT` is the listener's own. */
const HOSTS = [
  ...["foo.com", "Foo.com", "FOO.COM", "foo.com.", "foo.com..", ".", "", "foo", "other.com"],
  ...[
    "foo.com:PORT",
    "Foo.com:PORT",
    "foo.com.:PORT",
    "foo.com:8080",
    "Foo.com:8080",
    "foo.com.:8080",
    "foo.com:",
  ],
  ...[
    "foo.com:80",
    "foo.com:443",
    "foo.com:0",
    "foo.com:+PORT",
    "foo.com:0PORT",
    "foo.com:x",
    "foo.com:-1",
    "foo.com:1:PORT",
  ],
  ...[
    "foo.com:99999999999",
    "foo.com:4294967296",
    ":PORT",
    ":",
    "a.foo.com",
    "a.foo.com:PORT",
    "a.foo.com.:8080",
  ],
  ...[
    "[::1]",
    "[::1]:PORT",
    "[::1]:8080",
    "[::1].",
    "::1",
    "127.0.0.1:PORT",
    "127.0.0.1.:8080",
    "user@foo.com:8080",
  ],
];

const requests: DifferentialRequest[] = [
  ...HOSTS.map((host) => ({ host })),
  { path: "http://Foo.com:8080/x" },
  { path: "http://foo.com.:8080/x", host: "other.com" },
  ...["foo.com:8080", "Foo.com.", "foo.com.:8080"].map((authority) => ({ http2: { authority } })),
];

const direct = (status: number): Json[] => [{ match: { prefix: "/" }, direct_response: { status } }];

/** Which of several virtual hosts a host is taken for. */
const routeConfig = (more: Json = {}): Json => ({
  route_config: {
    virtual_hosts: [
      { name: "exact", domains: ["foo.com"], routes: direct(211) },
      { name: "port", domains: ["foo.com:8080"], routes: direct(212) },
      { name: "any port", domains: ["foo.com:*"], routes: direct(213) },
      { name: "below", domains: ["*.foo.com"], routes: direct(214) },
      { name: "dot", domains: ["foo.com."], routes: direct(215) },
      { name: "six", domains: ["[::1]"], routes: direct(216) },
    ],
    ...more,
  },
});

const MANAGERS: Readonly<Record<string, Json>> = {
  "nothing configured": {},
  strip_matching_host_port: { strip_matching_host_port: true },
  strip_any_host_port: { strip_any_host_port: true },
  strip_trailing_host_dot: { strip_trailing_host_dot: true },
  "strip_any_host_port, strip_trailing_host_dot": {
    strip_any_host_port: true,
    strip_trailing_host_dot: true,
  },
  "strip_matching_host_port, strip_trailing_host_dot": {
    strip_matching_host_port: true,
    strip_trailing_host_dot: true,
  },
};

differential("Hosts", (pair) => {
  for (const [name, manager] of Object.entries(MANAGERS)) {
    const routed = pair({ manager: { ...manager, ...routeConfig() }, loggers: [LOG] });
    const forwarded = pair({ manager });
    test(name, async () => {
      await routed.same(requests);
      await forwarded.same(requests);
    });
  }
  const ignored = pair({ manager: routeConfig({ ignore_port_in_host_matching: true }), loggers: [LOG] });
  test("ignore_port_in_host_matching", async () => {
    await ignored.same(requests);
  });
});

conformance("Hosts of tunnels", ({ behaviour }) => {
  behaviour(
    "strip_any_host_port: routed without the port, forwarded with it",
    {
      manager: { strip_any_host_port: true, upgrade_configs: [{ upgrade_type: "CONNECT" }] },
      virtualHost: { domains: ["foo.com"] },
      routes: (id) => [{ match: { connect_matcher: {} }, route: { cluster: id } }],
      upstream: (_, reply) => reply.raw("HTTP/1.1 200 OK\r\n\r\n"),
    },
    async (b) => {
      const client = await b.connect();
      client.write("CONNECT foo.com:8080 HTTP/1.1\r\nHost: foo.com:8080\r\n\r\n");
      expect((await client.head()).startLine).toBe("HTTP/1.1 200 OK");
      const request = await b.upstream.request();
      expect(request.startLine).toBe("CONNECT foo.com:8080 HTTP/1.1");
      expect(request.header("host")).toBe("foo.com:8080");
      client.close();
    },
  );
});
