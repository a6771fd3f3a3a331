import { networkInterfaces } from "node:os";
import { expect, test } from "vitest";
import { type Json, socketAddress } from "../../support/bootstrap";
import { conformance } from "../../support/conformance";
import { type DifferentialRequest, differential } from "../../support/differential";
import type { RawHeaders } from "../../support/http-message";
import { RawClient } from "../../support/raw-client";

/** Who the client is: what the next hop is told, and what filters and loggers see. */
const LOG = `
on log
  source = prop source address
  scheme = prop request scheme
  details = prop response code_details
`;

/** Values of `x-forwarded-for`, one line each. */
const FORWARDED: readonly string[][] = [
  [],
  ["203.0.113.7"],
  ["10.1.2.3"],
  ["203.0.113.7, 198.51.100.1"],
  ["203.0.113.7,10.0.0.1"],
  ["203.0.113.7", "198.51.100.1"],
  ["10.0.0.1,10.0.0.2,10.0.0.3,10.0.0.4"],
  ["203.0.113.7:443"],
  ["[2001:db8::1]"],
  ["[2001:db8::1]:80"],
  ["2001:DB8:0:0::1"],
  ["::ffff:10.0.0.1"],
  ["010.0.0.1"],
  ["10.1"],
  ["unknown"],
  ["10.0.0.1,"],
  ["10.0.0.1, "],
  [",10.0.0.1"],
  [","],
  [""],
  ["10.0.0.1,,"],
  ["  10.0.0.1\t"],
  ...["192.168.1.1", "172.16.0.1", "172.31.255.255", "172.32.0.1", "127.0.0.1", "127.0.0.2"].map((one) => [
    one,
  ]),
  ...["fd00::1", "fc00::1", "::1", "fe80::1"].map((one) => [one]),
  ["bad, 10.0.0.1"],
  ["10.0.0.1, bad"],
];

const requests: DifferentialRequest[] = FORWARDED.flatMap((values) => {
  const headers = values.map((value): [string, string] => ["x-forwarded-for", value]);
  return [{ headers }, { headers, from: "127.0.0.2" }];
});

const TRUSTED = { internal_address_config: { cidr_ranges: [{ address_prefix: "10.0.0.0", prefix_len: 8 }] } };
const LOOPBACK = {
  internal_address_config: { cidr_ranges: [{ address_prefix: "127.0.0.0", prefix_len: 8 }] },
};

const MANAGERS: Readonly<Record<string, Json>> = {
  "nothing configured": {},
  "one trusted hop": { xff_num_trusted_hops: 1 },
  "two trusted hops": { xff_num_trusted_hops: 2 },
  "internal addresses": TRUSTED,
  "internal addresses, none named": { internal_address_config: {} },
  use_remote_address: { use_remote_address: true },
  "use_remote_address, internal, none named": { use_remote_address: true, internal_address_config: {} },
  "use_remote_address, internal": { use_remote_address: true, ...LOOPBACK },
  "use_remote_address, one hop": { use_remote_address: true, xff_num_trusted_hops: 1 },
  "use_remote_address, two hops": { use_remote_address: true, xff_num_trusted_hops: 2, ...TRUSTED },
  "use_remote_address, skip_xff_append": { use_remote_address: true, skip_xff_append: true },
  "use_remote_address, mapped": {
    use_remote_address: true,
    represent_ipv4_remote_address_as_ipv4_mapped_ipv6: true,
  },
};

const told = (key: string, value: string): Json => ({ header: { key, value } });
const TOLD: Json = {
  response_headers_to_add: [
    told("x-client", "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"),
    told("x-peer", "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%"),
  ],
};

differential("Client addresses", (pair) => {
  for (const [name, manager] of Object.entries(MANAGERS)) {
    const both = pair({ manager, loggers: [LOG], virtualHost: TOLD });
    test(name, async () => {
      const seen = await both.same(requests);
      expect(seen.every(({ status }) => status === 200)).toBe(true);
    });
  }
});

const PROTOS: RawHeaders[] = [
  [],
  [["x-forwarded-proto", "https"]],
  [["x-forwarded-proto", "HTTPS"]],
  [["x-forwarded-proto", "ftp"]],
  [["x-forwarded-proto", ""]],
  [
    ["x-forwarded-proto", "https"],
    ["x-forwarded-proto", "http"],
  ],
  [
    ["x-forwarded-proto", "https"],
    ["x-forwarded-port", "8443"],
  ],
  [["x-forwarded-port", "8443"]],
];

const protoRequests: DifferentialRequest[] = [
  ...PROTOS.map((headers) => ({ headers })),
  ...["http", "HTTP", "ftp"].map((scheme) => ({ path: `${scheme}://a.example/x` })),
  ...PROTOS.map((headers) => ({ http2: { headers } })),
  ...["http", "https", "HTTPS", "ftp"].map((scheme) => ({
    http2: {
      pseudo: [
        [":method", "GET"],
        [":scheme", scheme],
        [":authority", "a"],
        [":path", "/"],
      ] as RawHeaders,
    },
  })),
];

differential("x-forwarded-proto, x-forwarded-port and the scheme", (pair) => {
  const managers: Readonly<Record<string, Json>> = {
    "nothing configured": {},
    use_remote_address: { use_remote_address: true },
    "use_remote_address, one hop": { use_remote_address: true, xff_num_trusted_hops: 1 },
    append_x_forwarded_port: { append_x_forwarded_port: true },
    "append_x_forwarded_port, use_remote_address": {
      append_x_forwarded_port: true,
      use_remote_address: true,
    },
    "append_x_forwarded_port, one hop": {
      append_x_forwarded_port: true,
      use_remote_address: true,
      xff_num_trusted_hops: 1,
    },
    scheme_to_overwrite: { scheme_header_transformation: { scheme_to_overwrite: "https" } },
    match_upstream: { scheme_header_transformation: { match_upstream: true } },
  };
  for (const [name, manager] of Object.entries(managers)) {
    const both = pair({ manager, loggers: [LOG] });
    test(name, async () => {
      await both.same(protoRequests);
    });
  }
});

/** Containers often have none. */
const HAS_IPV6 = Object.values(networkInterfaces()).some((each) =>
  each?.some((one) => one.address === "::1"),
);

conformance("Clients over IPv6", ({ behaviour }) => {
  if (!HAS_IPV6) return;
  behaviour(
    "use_remote_address: the loopback address is internal, and stands in no header",
    {
      manager: { use_remote_address: true, internal_address_config: {} },
      listener: { address: socketAddress(0, "::1") },
      loggers: [LOG],
    },
    async (b) => {
      const client = await RawClient.connect(b.port, "::1");
      await client.exchange({});
      const request = await b.upstream.request();
      expect(request.header("x-envoy-internal")).toBe("true");
      expect(request.header("x-forwarded-for")).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
      expect(await b.logged("source")).toMatch(/^0 \[::1\]:\d+$/);
      client.close();
    },
  );

  behaviour(
    "a listener on :: takes no IPv4 clients",
    { listener: { address: socketAddress(0, "::") } },
    async (b) => {
      const client = await RawClient.connect(b.port, "::1");
      expect((await client.exchange({})).status).toBe(200);
      client.close();
      await expect(RawClient.connect(b.port, "127.0.0.1")).rejects.toThrow("ECONNREFUSED");
    },
  );

  const compatible: Json = { socket_address: { address: "::", port_value: 0, ipv4_compat: true } };
  behaviour(
    "ipv4_compat: IPv4 clients come in, and are shown as such",
    {
      manager: { use_remote_address: true, ...LOOPBACK },
      listener: { address: compatible },
      filterChain: {
        filter_chain_match: { source_prefix_ranges: [{ address_prefix: "127.0.0.0", prefix_len: 8 }] },
      },
      loggers: ["on log\n source = prop source address\n own = prop destination address"],
    },
    async (b) => {
      const response = await b.exchange();
      expect(response.status).toBe(200);
      expect((await b.upstream.request()).header("x-envoy-internal")).toBe("true");
      expect(await b.logged("source")).toMatch(/^0 127\.0\.0\.1:\d+$/);
      expect(await b.logged("own")).toBe(`0 127.0.0.1:${b.port}`);
    },
  );
});
