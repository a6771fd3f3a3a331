import { afterAll, expect, vi } from "vitest";
import type { Json } from "../../support/bootstrap";
import { type Behaviour, conformance, type Setup } from "../../support/conformance";
import { RawUpstream, type UpstreamHandler, type UpstreamRequest } from "../../support/raw-upstream";
import { testPki, trustedCa, upstreamTls } from "../../support/tls";

/** Checks follow each other fast, with traffic or without. */
const SOON: Json = {
  timeout: "1s",
  interval: "0.02s",
  no_traffic_interval: "0.02s",
  unhealthy_threshold: 2,
  healthy_threshold: 2,
};

const WAIT = { timeout: 5000, interval: 20 };

const isCheck = ({ headers }: UpstreamRequest) =>
  headers.some(([name, value]) => name.toLowerCase() === "user-agent" && value.startsWith("Envoy/HC"));

/** What a host answers to checks now; requests of clients get 200. */
class Patient {
  answer: UpstreamHandler = (_, reply) => reply.send({});
  readonly checks: UpstreamRequest[] = [];

  readonly handler: UpstreamHandler = async (request, reply) => {
    await request.message;
    if (!isCheck(request)) return reply.send({ body: "served" });
    this.checks.push(request);
    return this.answer(request, reply);
  };

  status(status: number, ...headers: [string, string][]): void {
    this.answer = (_, reply) => reply.send({ status, headers });
  }
}

/** A cluster of one host that is checked over HTTP. */
function patient(check: Json = {}, more: Json = {}, http: Json = {}): Setup & { patient: Patient } {
  const patient = new Patient();
  return {
    patient,
    upstream: patient.handler,
    cluster: {
      health_checks: [{ ...SOON, http_health_check: { path: "/health", ...http }, ...check }],
      common_lb_config: { healthy_panic_threshold: { value: 0 } },
      ...more,
    },
  };
}

const pki = await testPki();
const elsewhere = await RawUpstream.start((_, reply) => reply.send({}));
afterAll(() => elsewhere.close());

conformance("Health checks over HTTP", ({ behaviour, proxy }) => {
  const stat = (b: Behaviour, name: string) => proxy().stat(`cluster.${b.id}.${name}`);
  const reaches = (b: Behaviour, name: string, value: number) =>
    vi.waitFor(async () => expect(await stat(b, name)).toBe(value), WAIT);
  const flags = async (b: Behaviour) => {
    const text = await proxy().admin(`/clusters?filter=^${b.id}$`);
    return /::health_flags::(.*)/.exec(text)?.[1];
  };
  const becomes = (b: Behaviour, flag: string) =>
    vi.waitFor(async () => expect(await flags(b)).toBe(flag), WAIT);
  const answers = (b: Behaviour, status: number) =>
    vi.waitFor(async () => expect((await b.exchange()).status).toBe(status), WAIT);
  /** So many more checks have been made. */
  async function checked(b: Behaviour, more = 2): Promise<void> {
    const wanted = (await stat(b, "health_check.attempt")) + more;
    await vi.waitFor(
      async () => expect(await stat(b, "health_check.attempt")).toBeGreaterThanOrEqual(wanted),
      WAIT,
    );
  }

  /** The same behaviour on both engines starts with a host that is well. */
  function watched(
    name: string,
    setup: Setup & { patient: Patient },
    run: (b: Behaviour, patient: Patient) => Promise<void>,
  ) {
    behaviour(name, setup, (b) => run(b, setup.patient));
  }

  watched("a host that is well", patient(), async (b, { checks }) => {
    expect((await b.exchange()).text).toBe("served");
    await reaches(b, "health_check.healthy", 1);
    const [check] = checks;
    expect(check!.startLine).toBe("GET /health HTTP/1.1");
    expect(check!.headers.map(([name, value]) => `${name}: ${value}`)).toEqual([
      `host: ${b.id}`,
      "user-agent: Envoy/HC",
    ]);
    await checked(b, 2);
    expect(new Set(checks.map(({ connection }) => connection)).size).toBe(1);
    expect(await flags(b)).toBe("healthy");
    for (const name of ["failure", "passive_failure", "network_failure", "verify_cluster", "degraded"])
      expect([name, await stat(b, `health_check.${name}`)]).toEqual([name, 0]);
  });

  watched(
    "an answer that is not expected fails it at once, good ones bring it back after some",
    patient(),
    async (b, p) => {
      p.status(500);
      await becomes(b, "/failed_active_hc");
      await answers(b, 503);
      expect(await stat(b, "membership_healthy")).toBe(0);
      expect(await stat(b, "health_check.healthy")).toBe(0);
      expect(await stat(b, "health_check.network_failure")).toBe(0);
      expect(await stat(b, "health_check.failure")).toBeGreaterThan(0);
      p.status(200);
      await becomes(b, "healthy");
      await answers(b, 200);
      await reaches(b, "health_check.healthy", 1);
    },
  );

  watched(
    "retriable statuses count towards the threshold, expected ones are good",
    patient(
      { unhealthy_threshold: 5, healthy_threshold: 1 },
      {},
      { expected_statuses: [{ start: 200, end: 205 }], retriable_statuses: [{ start: 500, end: 504 }] },
    ),
    async (b, p) => {
      p.status(204);
      await checked(b);
      expect(await flags(b)).toBe("healthy");
      let bad = 0;
      p.answer = (_, reply) => reply.send({ status: ++bad <= 4 ? 503 : 200 });
      await vi.waitFor(() => expect(bad).toBeGreaterThan(5), WAIT);
      expect(await flags(b)).toBe("healthy");
      expect(await stat(b, "health_check.failure")).toBe(4);
      p.status(503);
      await becomes(b, "/failed_active_hc");
      expect(await stat(b, "health_check.failure")).toBeGreaterThanOrEqual(9);
      p.status(200);
      await becomes(b, "healthy");
      p.status(504);
      await becomes(b, "/failed_active_hc");
    },
  );

  watched("a connection that is cut", patient({ unhealthy_threshold: 3 }), async (b, p) => {
    p.answer = (_, reply) => void reply.socket.destroy();
    await becomes(b, "/failed_active_hc");
    const failures = await stat(b, "health_check.network_failure");
    expect(failures).toBeGreaterThanOrEqual(3);
    p.status(200);
    await becomes(b, "healthy");
  });

  watched("one that takes too long", patient({ timeout: "0.15s" }), async (b, p) => {
    p.answer = () => {};
    await becomes(b, "/failed_active_hc/active_hc_timeout");
    expect(await stat(b, "health_check.network_failure")).toBeGreaterThanOrEqual(1);
    p.status(500);
    await becomes(b, "/failed_active_hc");
    p.status(200);
    await becomes(b, "healthy");
  });

  watched(
    "host, method, headers to add and remove",
    patient(
      {},
      {},
      {
        host: "its.name",
        method: "HEAD",
        request_headers_to_add: [
          { header: { key: "x-a", value: "1" } },
          { header: { key: "x-upstream", value: "%UPSTREAM_HOST%" } },
          { header: { key: "x-protocol", value: "%PROTOCOL%" } },
        ],
        request_headers_to_remove: ["x-b", "user-agent"],
      },
    ),
    async (b, p) => {
      const request = await b.upstream.request();
      expect(request.startLine).toBe("HEAD /health HTTP/1.1");
      expect(request.headers.map(([name, value]) => `${name}: ${value}`)).toEqual([
        "host: its.name",
        "x-a: 1",
        `x-upstream: 127.0.0.1:${b.upstream.port}`,
        "x-protocol: HTTP/1.1",
      ]);
      expect(p.checks).toEqual([]);
    },
  );

  watched("POST has a length", patient({}, {}, { method: "POST" }), async (_, p) => {
    await vi.waitFor(() => expect(p.checks.length).toBeGreaterThan(0), WAIT);
    expect(p.checks[0]!.headers.map(([name]) => name)).toEqual(["host", "user-agent", "content-length"]);
  });

  watched("a connection for each check", patient({ reuse_connection: false }), async (b, p) => {
    await checked(b, 3);
    expect(new Set(p.checks.map(({ connection }) => connection)).size).toBe(p.checks.length);
  });

  watched("a connection that the host wants closed", patient(), async (_, p) => {
    p.status(200, ["connection", "close"]);
    const { length } = p.checks;
    await vi.waitFor(() => expect(p.checks.length).toBeGreaterThan(length + 3), WAIT);
    const connections = p.checks.slice(length + 1).map(({ connection }) => connection);
    expect(new Set(connections).size).toBe(connections.length);
  });

  watched("degraded", patient(), async (b, p) => {
    p.status(200, ["x-envoy-degraded", ""]);
    await becomes(b, "/degraded_active_hc");
    expect(await stat(b, "membership_degraded")).toBe(1);
    await reaches(b, "health_check.degraded", 1);
    expect((await b.exchange()).status).toBe(200);
    p.status(200);
    await becomes(b, "healthy");
    // It never goes back while the host is there.
    expect(await stat(b, "health_check.degraded")).toBe(1);
  });

  watched(
    "the name of the service that has to answer",
    patient({}, {}, { service_name_matcher: { prefix: "shop" } }),
    async (b, p) => {
      await becomes(b, "/failed_active_hc");
      p.status(200, ["x-envoy-upstream-healthchecked-cluster", "shop-1"]);
      await becomes(b, "healthy");
      p.status(200, ["x-envoy-upstream-healthchecked-cluster", "Shop"]);
      await becomes(b, "/failed_active_hc");
      expect(await stat(b, "health_check.verify_cluster")).toBeGreaterThan(3);
    },
  );

  watched(
    "what the body has to contain",
    patient({}, {}, { receive: [{ text: Buffer.from("up").toString("hex") }, { text: "6F6B" }] }),
    async (b, p) => {
      const says = (body: string) => {
        p.answer = (_, reply) => reply.send({ body });
      };
      await becomes(b, "/failed_active_hc");
      says("is up and ok.");
      await becomes(b, "healthy");
      says("ok and up");
      await becomes(b, "/failed_active_hc");
      says(`${" ".repeat(1100)}up ok`);
      await checked(b);
      expect(await flags(b)).toBe("/failed_active_hc");
    },
  );

  watched("x-envoy-immediate-health-check-fail in a check that fails", patient(), async (b, p) => {
    p.status(503, ["x-envoy-immediate-health-check-fail", "true"]);
    await becomes(b, "/failed_active_hc/excluded_via_immediate_hc_fail");
    expect(await stat(b, "membership_excluded")).toBe(1);
    p.status(200);
    await becomes(b, "healthy");
    expect(await stat(b, "membership_excluded")).toBe(0);
  });

  behaviour(
    "x-envoy-immediate-health-check-fail in a response",
    {
      ...patient({ interval: "100s", unhealthy_interval: "100s" }),
      upstream: (_, reply) => reply.send({ headers: [["x-envoy-immediate-health-check-fail", "true"]] }),
    },
    async (b) => {
      const response = await b.exchange();
      expect([response.status, response.header("x-envoy-immediate-health-check-fail")]).toEqual([
        200,
        "true",
      ]);
      await becomes(b, "/failed_active_hc/excluded_via_immediate_hc_fail");
      await answers(b, 503);
      await reaches(b, "health_check.passive_failure", 1);
      expect(await stat(b, "health_check.failure")).toBe(1);
      expect(await stat(b, "health_check.network_failure")).toBe(0);
    },
  );

  behaviour(
    "checked on another port, under another name",
    {
      cluster: (port) => ({
        health_checks: [{ ...SOON, http_health_check: { path: "/health", host: "not this" } }],
        load_assignment: {
          cluster_name: "any",
          endpoints: [
            {
              lb_endpoints: [
                {
                  endpoint: {
                    address: { socket_address: { address: "127.0.0.1", port_value: port } },
                    health_check_config: { port_value: elsewhere.port, hostname: "its-check" },
                  },
                },
              ],
            },
          ],
        },
      }),
    },
    async (b) => {
      await answers(b, 200);
      expect(elsewhere.requests[0]!.header("host")).toBe("its-check");
      expect(b.upstream.requests.every((request) => request.path === "/")).toBe(true);
    },
  );

  behaviour(
    "a host that is not to be checked is well",
    {
      cluster: (port) => ({
        health_checks: [{ ...SOON, http_health_check: { path: "/health" } }],
        load_assignment: {
          cluster_name: "any",
          endpoints: [
            {
              lb_endpoints: [
                {
                  endpoint: {
                    address: { socket_address: { address: "127.0.0.1", port_value: port } },
                    health_check_config: { disable_active_health_check: true },
                  },
                },
              ],
            },
          ],
        },
      }),
    },
    async (b) => {
      await answers(b, 200);
      expect(await flags(b)).toBe("healthy");
      expect(await stat(b, "health_check.attempt")).toBe(0);
      expect(b.upstream.requests.filter(isCheck)).toEqual([]);
    },
  );

  behaviour(
    "checks go under TLS where requests do",
    {
      upstreamTls: { cert: pki.server.certificate, key: pki.server.key },
      cluster: {
        ...upstreamTls({ validation_context: trustedCa(pki.ca) }),
        health_checks: [{ ...SOON, http_health_check: { path: "/health" } }],
      },
    },
    async (b) => {
      await becomes(b, "healthy");
      await answers(b, 200);
      await vi.waitFor(() => expect(b.upstream.requests.some(isCheck)).toBe(true), WAIT);
      expect(b.front.failures).toEqual([]);
    },
  );

  behaviour(
    "a host whose certificate is nobody's fails its checks by the network",
    {
      upstreamTls: { cert: pki.server.certificate, key: pki.server.key },
      cluster: {
        ...upstreamTls({ validation_context: trustedCa(pki.otherCa) }),
        health_checks: [{ ...SOON, http_health_check: { path: "/health" } }],
        common_lb_config: { healthy_panic_threshold: { value: 0 } },
      },
    },
    async (b) => {
      await becomes(b, "/failed_active_hc");
      await answers(b, 503);
      expect(await stat(b, "health_check.network_failure")).toBeGreaterThan(0);
      expect(b.upstream.requests).toEqual([]);
    },
  );

  behaviour(
    "nobody listens: the proxy starts, and the host is out",
    { ...patient(), dead: true },
    async (b) => {
      expect((await b.exchange()).status).toBe(503);
      expect(await flags(b)).toBe("/failed_active_hc");
      expect(await stat(b, "upstream_cx_total")).toBe(0);
    },
  );

  watched(
    "a success brings back a host that outlier detection has ejected",
    patient(
      {},
      { outlier_detection: { consecutive_5xx: 1, max_ejection_percent: 100, base_ejection_time: "100s" } },
    ),
    async (b) => {
      b.upstream.handler = (request, reply) => reply.send({ status: isCheck(request) ? 200 : 500 });
      await answers(b, 500);
      await reaches(b, "outlier_detection.ejections_enforced_total", 1);
      await reaches(b, "outlier_detection.ejections_active", 0);
      await becomes(b, "healthy");
    },
  );

  watched(
    "... unless that is not wanted",
    patient(
      {},
      {
        outlier_detection: {
          consecutive_5xx: 1,
          max_ejection_percent: 100,
          base_ejection_time: "100s",
          successful_active_health_check_uneject_host: false,
        },
      },
    ),
    async (b) => {
      b.upstream.handler = (request, reply) => reply.send({ status: isCheck(request) ? 200 : 500 });
      await answers(b, 500);
      await reaches(b, "outlier_detection.ejections_active", 1);
      await checked(b, 3);
      expect(await flags(b)).toBe("/failed_outlier_check");
    },
  );

  watched("a host that failed gets new connections", patient({ healthy_threshold: 1 }), async (b, p) => {
    const client = await b.connect();
    const connection = async () => {
      const before = b.upstream.requests.length;
      await client.exchange({ path: "/served" });
      return b.upstream.requests.slice(before).find((request) => !isCheck(request))!.connection;
    };
    const first = await connection();
    expect(await connection()).toBe(first);
    p.status(500);
    await becomes(b, "/failed_active_hc");
    p.status(200);
    await answers(b, 200);
    expect(await connection()).not.toBe(first);
  });
});
