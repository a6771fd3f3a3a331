import { expect } from "vitest";
import { type Behaviour, conformance } from "../support/conformance";

const CALLBACKS = ["request_headers", "request_body", "response_headers", "log"] as const;
type Phase = (typeof CALLBACKS)[number];

/** Reads the same properties in every phase of a request: `callback.name = verb segments`. */
function everyPhase(lines: Record<string, string>): string {
  return CALLBACKS.flatMap((callback) => [
    `on ${callback}`,
    ...Object.entries(lines).map(([name, line]) => ` ${callback}.${name} = ${line}`),
  ]).join("\n");
}

const phases = async (b: Behaviour, name: string) =>
  Object.fromEntries(
    await Promise.all(
      CALLBACKS.map(
        async (callback): Promise<[Phase, string]> => [callback, await b.logged(`${callback}.${name}`)],
      ),
    ),
  ) as Record<Phase, string>;

const post = { method: "POST", body: "12345" };

const LOCALITY = { region: "R", zone: "Z", sub_zone: "S" };
const metadata = (key: string) => ({ filter_metadata: { test: { key } } });

/** A host with everything that can be said of it. */
function described(port: number): Record<string, unknown> {
  return {
    load_assignment: {
      cluster_name: "described",
      endpoints: [
        {
          locality: LOCALITY,
          metadata: metadata("of-locality"),
          lb_endpoints: [
            {
              metadata: metadata("of-host"),
              endpoint: { address: { socket_address: { address: "127.0.0.1", port_value: port } } },
            },
          ],
        },
      ],
    },
  };
}

conformance("Properties of the upstream side", ({ behaviour }) => {
  behaviour(
    "upstream.address and port are known once the router has chosen, local_address once connected",
    {
      script: everyPhase({
        address: "prop upstream address",
        port: "prop-int upstream port",
        local: "prop upstream local_address",
      }),
    },
    async (b) => {
      await b.exchange(post);
      const address = `0 127.0.0.1:${b.upstream.port}`;
      const chosen = (value: string) => ({
        request_headers: "1",
        request_body: value,
        response_headers: value,
        log: value,
      });
      expect(await phases(b, "address")).toEqual(chosen(address));
      expect(await phases(b, "port")).toEqual(chosen(`0 ${b.upstream.port}`));
      const local = await phases(b, "local");
      expect([local.request_headers, local.request_body]).toEqual(["1", "1"]);
      expect(local.response_headers).toMatch(/^0 127\.0\.0\.1:\d+$/);
      expect(local.log).toBe(local.response_headers);
    },
  );

  behaviour(
    "upstream.num_endpoints is there with the route, the attempt count always",
    {
      script: everyPhase({
        endpoints: "prop-int upstream num_endpoints",
        attempts: "prop-int upstream request_attempt_count",
      }),
    },
    async (b) => {
      await b.exchange(post);
      expect(new Set(Object.values(await phases(b, "endpoints")))).toEqual(new Set(["0 1"]));
      const attempts = await phases(b, "attempts");
      expect(attempts).toEqual({
        request_headers: "0 0",
        request_body: "0 1",
        response_headers: "0 1",
        log: "0 1",
      });
    },
  );

  behaviour(
    "upstream.cx_pool_ready_duration and response.backend_latency: positive, once there is something to measure",
    {
      script: everyPhase({
        ready: "prop-int upstream cx_pool_ready_duration",
        latency: "prop-int response backend_latency",
      }),
    },
    async (b) => {
      await b.exchange(post);
      const ready = await phases(b, "ready");
      expect([ready.request_headers, ready.request_body]).toEqual(["1", "1"]);
      expect(BigInt(ready.response_headers.slice(2))).toBeGreaterThan(0n);
      expect(ready.log).toBe(ready.response_headers);
      const latency = await phases(b, "latency");
      expect([latency.request_headers, latency.request_body, latency.response_headers]).toEqual([
        "1",
        "1",
        "1",
      ]);
      expect(BigInt(latency.log.slice(2))).toBeGreaterThan(0n);
    },
  );

  behaviour(
    "locality and metadata of the host",
    {
      script: everyPhase({
        region: "prop upstream locality region",
        sub: "prop upstream locality sub_zone",
        nothing: "prop upstream locality nothing",
        whole: "prop upstream locality",
        host: "prop xds upstream_host_metadata filter_metadata test key",
        locality: "prop xds upstream_host_locality_metadata filter_metadata test key",
      }),
      cluster: described,
    },
    async (b) => {
      await b.exchange(post);
      const chosen = (value: string) => ({
        request_headers: "1",
        request_body: value,
        response_headers: value,
        log: value,
      });
      expect(await phases(b, "region")).toEqual(chosen("0 R"));
      expect(await phases(b, "sub")).toEqual(chosen("0 S"));
      expect(await phases(b, "nothing")).toEqual(chosen("1"));
      expect(await phases(b, "whole")).toEqual(chosen("0 %0A%01R%12%01Z%1A%01S"));
      expect(await phases(b, "host")).toEqual(chosen("0 of-host"));
      expect(await phases(b, "locality")).toEqual(chosen("0 of-locality"));
    },
  );

  behaviour(
    "a host without metadata has a null message, without locality an empty one",
    {
      script: everyPhase({
        locality: "prop upstream locality",
        host: "prop xds upstream_host_metadata",
        inside: "prop xds upstream_host_metadata filter_metadata",
        group: "prop xds upstream_host_locality_metadata",
      }),
    },
    async (b) => {
      await b.exchange(post);
      const at = async (name: string) => (await phases(b, name)).response_headers;
      expect([await at("locality"), await at("host"), await at("inside"), await at("group")]).toEqual([
        "0",
        "3",
        "1",
        "3",
      ]);
    },
  );

  behaviour(
    "upstream_filter_state is there with the connection, without anything in it",
    { script: everyPhase({ whole: "prop upstream_filter_state", key: "prop upstream_filter_state key" }) },
    async (b) => {
      await b.exchange(post);
      expect(await phases(b, "whole")).toEqual({
        request_headers: "1",
        request_body: "1",
        response_headers: "3",
        log: "3",
      });
      expect((await phases(b, "key")).response_headers).toBe("1");
    },
  );

  behaviour(
    "a refused connection: transport_failure_reason, and no local address",
    {
      dead: true,
      script: everyPhase({
        reason: "prop upstream transport_failure_reason",
        address: "prop upstream address",
        local: "prop upstream local_address",
        ready: "prop-int upstream cx_pool_ready_duration",
        state: "prop upstream_filter_state",
        latency: "prop response backend_latency",
      }),
    },
    async (b) => {
      await b.exchange(post);
      const at = async (name: string) => (await phases(b, name)).log;
      expect((await phases(b, "reason")).request_headers).toBe("1");
      expect((await phases(b, "reason")).request_body).toBe("0");
      expect(await at("reason")).toBe("0 delayed connect error: Connection refused");
      expect(await at("address")).toBe("0 127.0.0.1:1");
      expect(await at("local")).toBe("1");
      expect(await at("ready")).toMatch(/^0 [1-9]/);
      expect(await at("state")).toBe("1");
      expect(await at("latency")).toBe("1");
    },
  );

  behaviour(
    "what TLS tells is NotFound on plain connections, on both sides",
    {
      script: everyPhase({
        version: "prop upstream tls_version",
        subject: "prop upstream subject_peer_certificate",
        digest: "prop upstream sha256_peer_certificate_digest",
        name: "prop upstream server_name",
        local: "prop connection subject_local_certificate",
        san: "prop connection dns_san_peer_certificate",
        pem: "prop connection peer_certificate",
        failure: "prop connection transport_failure_reason",
      }),
    },
    async (b) => {
      await b.exchange(post);
      for (const name of ["version", "subject", "digest", "name", "local", "san", "pem", "failure"])
        expect([name, new Set(Object.values(await phases(b, name)))]).toEqual([name, new Set(["1"])]);
    },
  );

  behaviour(
    "a direct response has a route and no cluster",
    {
      routes: () => [{ name: "direct", match: { prefix: "/" }, direct_response: { status: 200 } }],
      script: `on log
        route = prop xds route_name
        host = prop xds virtual_host_name
        cluster = prop xds cluster_name
        metadata = prop xds cluster_metadata
        endpoints = prop upstream num_endpoints`,
    },
    async (b) => {
      await b.exchange();
      expect(await b.logged("route")).toBe("0 direct");
      expect(await b.logged("host")).toBe(`0 ${b.id}_host`);
      expect(await b.logged("cluster")).toBe("1");
      expect(await b.logged("metadata")).toBe("1");
      expect(await b.logged("endpoints")).toBe("1");
    },
  );

  behaviour(
    "a request without a route still has its virtual host",
    {
      routes: () => [{ match: { prefix: "/other" }, direct_response: { status: 200 } }],
      script: `on request_headers
        route = prop xds route_name
        rmeta = prop xds route_metadata
        host = prop xds virtual_host_name
        hmeta = prop xds virtual_host_metadata filter_metadata test key`,
      virtualHost: { metadata: metadata("of-host") },
    },
    async (b) => {
      expect((await b.exchange()).status).toBe(404);
      expect(await b.logged("route")).toBe("1");
      expect(await b.logged("rmeta")).toBe("1");
      expect(await b.logged("host")).toBe(`0 ${b.id}_host`);
      expect(await b.logged("hmeta")).toBe("0 of-host");
    },
  );

  behaviour(
    "a request for an unknown host has none of them",
    {
      virtualHost: { domains: ["known.example"] },
      script: "on request_headers\n host = prop xds virtual_host_name\n route = prop xds route_name",
    },
    async (b) => {
      expect((await b.exchange()).status).toBe(404);
      expect(await b.logged("host")).toBe("1");
      expect(await b.logged("route")).toBe("1");
    },
  );
});
