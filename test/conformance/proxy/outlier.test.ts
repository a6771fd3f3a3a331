import { afterAll, expect, vi } from "vitest";
import type { Json } from "../../support/bootstrap";
import { type Behaviour, conformance, type Setup } from "../../support/conformance";
import { RawUpstream } from "../../support/raw-upstream";

/** Hosts that both engines share. Each does what the request's `x-plan` says at its place: a status, `close`, `hang`. */
const upstreams = await Promise.all(
  [0, 1, 2, 3, 4].map((number) =>
    RawUpstream.start((request, reply) => {
      const plan = request.header("x-plan")?.split(",")[number] || "200";
      if (plan === "close") return void reply.socket.destroy();
      if (plan === "hang") return;
      const grpc: [string, string][] = plan.startsWith("grpc ") ? [["grpc-status", plan.slice(5)]] : [];
      const degraded: [string, string][] = plan === "degraded" ? [["x-envoy-degraded", ""]] : [];
      reply.send({
        status: grpc.length + degraded.length > 0 ? 200 : Number(plan),
        headers: [["x-host", String(number)], ["content-type", "application/grpc"], ...grpc, ...degraded],
      });
    }),
  ),
);
afterAll(() => Promise.all(upstreams.map((upstream) => upstream.close())));

const DEAD_PORT = 1;

/** Sweeps, and a second until all workers know of a change. */
const WAIT = { timeout: 5000, interval: 20 };

/** A cluster of so many hosts in turn, with outlier detection and nothing of it soon unless it is asked for. */
function watched(detection: Json, hosts: number | readonly number[] = 2, more: Setup = {}): Setup {
  const ports = typeof hosts === "number" ? upstreams.slice(0, hosts).map(({ port }) => port) : hosts;
  return {
    cluster: {
      outlier_detection: { max_ejection_percent: 50, base_ejection_time: "100s", ...detection },
      common_lb_config: { healthy_panic_threshold: { value: 0 } },
      load_assignment: {
        cluster_name: "any",
        endpoints: [
          {
            lb_endpoints: ports.map((port) => ({
              endpoint: { address: { socket_address: { address: "127.0.0.1", port_value: port } } },
            })),
          },
        ],
      },
    },
    ...more,
  };
}

conformance("Outlier detection", ({ behaviour, proxy }) => {
  /** Statuses of so many requests, one after the other; of 200s the host that gave it. */
  async function ask(b: Behaviour, plan: string, count: number, headers: [string, string][] = []) {
    const client = await b.connect();
    const seen: string[] = [];
    for (let i = 0; i < count; i++) {
      const response = await client.exchange({ headers: [["x-plan", plan], ...headers] });
      seen.push(response.status === 200 ? `host ${response.header("x-host")}` : String(response.status));
    }
    client.close();
    return seen;
  }

  /** Asks until the answer to so many requests is that; hosts that went out or came back are known to all a little later. */
  const becomes = (b: Behaviour, plan: string, expected: readonly string[]) =>
    vi.waitFor(async () => {
      expect((await ask(b, plan, expected.length)).sort()).toEqual([...expected].sort());
    }, WAIT);

  const stat = (b: Behaviour, name: string) =>
    proxy().stat(`cluster.${b.id}.outlier_detection.ejections_${name}`);

  const reaches = (b: Behaviour, name: string, value: number) =>
    vi.waitFor(async () => expect(await stat(b, name)).toBe(value), WAIT);

  /** All stats that have moved. */
  async function moved(b: Behaviour): Promise<Record<string, number>> {
    const text = await proxy().admin(
      `/stats?filter=${encodeURIComponent(`^cluster\\.${b.id}\\.outlier_detection`)}`,
    );
    const pairs = text
      .trim()
      .split("\n")
      .map((line) => line.split(": ") as [string, string]);
    return Object.fromEntries(
      pairs
        .filter(([, value]) => value !== "0")
        .map(([name, value]) => [
          name.slice(`cluster.${b.id}.outlier_detection.ejections_`.length),
          Number(value),
        ]),
    );
  }

  /** What `/clusters` says of each host's health, in order. */
  async function flags(b: Behaviour): Promise<string[]> {
    const text = await proxy().admin(`/clusters?filter=^${b.id}$`);
    return [...text.matchAll(/::health_flags::(.*)/g)].map(([, flag]) => flag!);
  }

  behaviour(
    "a host that fails so often in a row gets no more requests",
    watched({ consecutive_5xx: 3 }),
    async (b) => {
      const seen = await ask(b, "200,500", 4);
      expect(seen.sort()).toEqual(["500", "500", "host 0", "host 0"]);
      expect(await moved(b)).toEqual({});
      await ask(b, "200,500", 2);
      await reaches(b, "active", 1);
      await becomes(b, "200,500", new Array(6).fill("host 0"));
      expect(await flags(b)).toEqual(["healthy", "/failed_outlier_check"]);
      expect(await moved(b)).toEqual({
        active: 1,
        consecutive_5xx: 1,
        detected_consecutive_5xx: 1,
        enforced_consecutive_5xx: 1,
        enforced_total: 1,
        total: 1,
      });
      expect(await proxy().stat(`cluster.${b.id}.membership_healthy`)).toBe(1);
    },
  );

  behaviour("all stats are there from the start", watched({}), async (b) => {
    const text = await proxy().admin(
      `/stats?filter=${encodeURIComponent(`^cluster\\.${b.id}\\.outlier_detection`)}`,
    );
    const names = text.replaceAll(`cluster.${b.id}.outlier_detection.ejections_`, "").trim().split("\n");
    expect(names).toEqual([
      "active: 0",
      "consecutive_5xx: 0",
      "detected_consecutive_5xx: 0",
      "detected_consecutive_gateway_failure: 0",
      "detected_consecutive_local_origin_failure: 0",
      "detected_degradation: 0",
      "detected_failure_percentage: 0",
      "detected_local_origin_failure_percentage: 0",
      "detected_local_origin_success_rate: 0",
      "detected_success_rate: 0",
      "enforced_consecutive_5xx: 0",
      "enforced_consecutive_gateway_failure: 0",
      "enforced_consecutive_local_origin_failure: 0",
      "enforced_failure_percentage: 0",
      "enforced_local_origin_failure_percentage: 0",
      "enforced_local_origin_success_rate: 0",
      "enforced_success_rate: 0",
      "enforced_total: 0",
      "overflow: 0",
      "success_rate: 0",
      "total: 0",
    ]);
  });

  behaviour(
    "the default of ten per cent spares each of two hosts, always_eject_one_host does not",
    watched({ consecutive_5xx: 1, max_ejection_percent: 10 }),
    async (b) => {
      for (const seen of [1, 2, 3, 4]) {
        await ask(b, "500,500", 1);
        await reaches(b, "overflow", seen);
      }
      expect(await moved(b)).toEqual({ consecutive_5xx: 4, detected_consecutive_5xx: 4, overflow: 4 });
      expect(await flags(b)).toEqual(["healthy", "healthy"]);
    },
  );

  behaviour(
    "always_eject_one_host: the first, not the second",
    watched({ consecutive_5xx: 1, max_ejection_percent: 10, always_eject_one_host: true }),
    async (b) => {
      await ask(b, "500,200", 2);
      await reaches(b, "active", 1);
      await becomes(b, "500,200", ["host 1", "host 1", "host 1"]);
      await ask(b, "500,500", 1);
      await reaches(b, "overflow", 1);
      expect(await flags(b)).toEqual(["/failed_outlier_check", "healthy"]);
    },
  );

  behaviour(
    "when all are out nobody is asked: without a panic threshold",
    watched({ consecutive_5xx: 1, max_ejection_percent: 100 }),
    async (b) => {
      await ask(b, "500,500", 2);
      await reaches(b, "active", 2);
      await becomes(b, "200,200", ["503", "503"]);
      const response = await b.exchange();
      expect([response.status, response.text]).toEqual([503, "no healthy upstream"]);
      expect(await proxy().stat(`cluster.${b.id}.membership_healthy`)).toBe(0);
    },
  );

  behaviour(
    "a good response in between starts the count again",
    watched({ consecutive_5xx: 2 }, 1),
    async (b) => {
      for (const plan of ["500", "404", "500", "200", "503"]) await ask(b, plan, 1);
      expect(await moved(b)).toEqual({});
      await ask(b, "500", 1);
      await reaches(b, "overflow", 1);
    },
  );

  behaviour(
    "gateway failures are noticed by default, and enforced where that is said",
    watched({ consecutive_gateway_failure: 2, consecutive_5xx: 0 }),
    async (b) => {
      for (const seen of [1, 2]) {
        await ask(b, "502,200", 4);
        await reaches(b, "detected_consecutive_gateway_failure", seen);
      }
      expect(await moved(b)).toEqual({ detected_consecutive_gateway_failure: 2 });
      await ask(b, "500,503", 2);
      await ask(b, "502,504", 2);
      await reaches(b, "detected_consecutive_gateway_failure", 3);
      await ask(b, "502,200", 2);
      await reaches(b, "detected_consecutive_gateway_failure", 4);
    },
  );

  behaviour(
    "enforcing_consecutive_gateway_failure",
    watched({
      consecutive_gateway_failure: 2,
      consecutive_5xx: 0,
      enforcing_consecutive_gateway_failure: 100,
    }),
    async (b) => {
      await ask(b, "502,200", 4);
      await reaches(b, "active", 1);
      await becomes(b, "502,200", ["host 1", "host 1", "host 1"]);
      expect(await moved(b)).toEqual({
        active: 1,
        detected_consecutive_gateway_failure: 1,
        enforced_consecutive_gateway_failure: 1,
        enforced_total: 1,
      });
    },
  );

  behaviour(
    "enforcing_consecutive_5xx 0: noticed, and nothing more",
    watched({ consecutive_5xx: 1, enforcing_consecutive_5xx: 0 }),
    async (b) => {
      // One after the other: what fails before Envoy's main thread has heard of the last one is not counted.
      for (const seen of [1, 2]) {
        await ask(b, "500,200", 2);
        await reaches(b, "detected_consecutive_5xx", seen);
      }
      expect(await moved(b)).toEqual({ consecutive_5xx: 2, detected_consecutive_5xx: 2, total: 2 });
    },
  );

  behaviour(
    "a refused connection counts as 503",
    watched({ consecutive_5xx: 2 }, [upstreams[0]!.port, DEAD_PORT]),
    async (b) => {
      await ask(b, "", 4);
      await reaches(b, "active", 1);
      expect(await flags(b)).toEqual(["healthy", "/failed_outlier_check"]);
      await becomes(b, "", new Array(4).fill("host 0"));
    },
  );

  behaviour(
    "a connection that is closed instead of an answer counts as 503",
    watched({ consecutive_5xx: 2, consecutive_gateway_failure: 2 }),
    async (b) => {
      await ask(b, "200,close", 4);
      await reaches(b, "active", 1);
      expect(await moved(b)).toEqual({
        active: 1,
        consecutive_5xx: 1,
        detected_consecutive_5xx: 1,
        detected_consecutive_gateway_failure: 1,
        enforced_consecutive_5xx: 1,
        enforced_total: 1,
        total: 1,
      });
    },
  );

  const timed = (route: Json): Setup => ({
    routes: (id) => [{ match: { prefix: "/" }, route: { cluster: id, ...route } }],
  });

  behaviour(
    "a time-out counts as 504, of a request or of an attempt",
    watched({ consecutive_gateway_failure: 1, consecutive_5xx: 0 }, 1, timed({ timeout: "0.05s" })),
    async (b) => {
      expect(await ask(b, "hang", 1)).toEqual(["504"]);
      await reaches(b, "detected_consecutive_gateway_failure", 1);
    },
  );

  behaviour(
    "every attempt counts by itself",
    watched(
      { consecutive_gateway_failure: 3, consecutive_5xx: 0 },
      1,
      timed({
        timeout: "5s",
        retry_policy: {
          retry_on: "5xx",
          num_retries: 2,
          per_try_timeout: "0.05s",
          retry_back_off: { base_interval: "0.001s", max_interval: "0.002s" },
        },
      }),
    ),
    async (b) => {
      expect(await ask(b, "hang", 1)).toEqual(["504"]);
      await reaches(b, "detected_consecutive_gateway_failure", 1);
      expect(await ask(b, "503", 1)).toEqual(["503"]);
      await reaches(b, "detected_consecutive_gateway_failure", 2);
    },
  );

  behaviour(
    "a gRPC status in the response's headers counts as the status of HTTP that it stands for",
    watched({ consecutive_gateway_failure: 1, consecutive_5xx: 2 }, 1),
    async (b) => {
      const grpc: [string, string][] = [["content-type", "application/grpc"]];
      for (const status of [0, 1, 3, 5, 7, 8, 16]) await ask(b, `grpc ${status}`, 1, grpc);
      expect(await moved(b)).toEqual({});
      await ask(b, "grpc 14", 1, grpc);
      await reaches(b, "detected_consecutive_gateway_failure", 1);
      await ask(b, "grpc 13", 1, grpc);
      await reaches(b, "detected_consecutive_5xx", 1);
      await ask(b, "grpc 14", 1);
      expect((await moved(b)).detected_consecutive_gateway_failure).toBe(1);
    },
  );

  behaviour(
    "what the circuit breaker refuses is no failure of the host",
    {
      ...watched({ consecutive_5xx: 1 }, 1),
      cluster: {
        ...(watched({ consecutive_5xx: 1 }, 1).cluster as Json),
        circuit_breakers: { thresholds: [{ max_pending_requests: 0 }] },
      },
    },
    async (b) => {
      expect(await ask(b, "", 2)).toEqual(["503", "503"]);
      expect(await moved(b)).toEqual({});
    },
  );

  const apart = {
    split_external_local_origin_errors: true,
    consecutive_5xx: 2,
    consecutive_local_origin_failure: 2,
  };

  behaviour(
    "told apart, a refused connection is no failure of the host but of the way to it",
    watched(apart, [upstreams[0]!.port, DEAD_PORT]),
    async (b) => {
      await ask(b, "", 4);
      await reaches(b, "active", 1);
      expect(await moved(b)).toEqual({
        active: 1,
        detected_consecutive_local_origin_failure: 1,
        enforced_consecutive_local_origin_failure: 1,
        enforced_total: 1,
      });
    },
  );

  behaviour(
    "told apart, a connection that is closed before an answer never counts twice in a row",
    watched(apart, 1),
    async (b) => {
      expect(await ask(b, "close", 5)).toEqual(new Array(5).fill("503"));
      expect(await moved(b)).toEqual({});
      await ask(b, "500", 2);
      await reaches(b, "detected_consecutive_5xx", 1);
    },
  );

  behaviour(
    "told apart, one that is too slow counts as the way's failure",
    watched({ ...apart, consecutive_local_origin_failure: 1 }, 1, timed({ timeout: "0.05s" })),
    async (b) => {
      await ask(b, "hang", 1);
      await reaches(b, "detected_consecutive_local_origin_failure", 1);
      expect((await moved(b)).detected_consecutive_5xx).toBeUndefined();
    },
  );

  behaviour(
    "an ejected host comes back at a sweep when its time is over",
    watched({ consecutive_5xx: 2, base_ejection_time: "0.05s", interval: "0.1s" }),
    async (b) => {
      for (let round = 1; round <= 2; round++) {
        await ask(b, "200,500", 4);
        await reaches(b, "enforced_total", round);
        await reaches(b, "active", 0);
        expect(await flags(b)).toEqual(["healthy", "healthy"]);
        await becomes(b, "200,200", ["host 0", "host 1"]);
      }
      expect(await moved(b)).toEqual({
        consecutive_5xx: 2,
        detected_consecutive_5xx: 2,
        enforced_consecutive_5xx: 2,
        enforced_total: 2,
        total: 2,
      });
    },
  );

  behaviour(
    "a success rate far below the others'",
    watched(
      {
        consecutive_5xx: 0,
        interval: "0.4s",
        success_rate_request_volume: 2,
        failure_percentage_minimum_hosts: 6,
      },
      5,
    ),
    async (b) => {
      for (let tries = 0; tries < 20 && (await stat(b, "active")) === 0; tries++)
        await ask(b, "200,200,500,200,200", 20);
      await reaches(b, "active", 1);
      expect(await flags(b)).toEqual(["healthy", "healthy", "/failed_outlier_check", "healthy", "healthy"]);
      expect(await moved(b)).toEqual({
        active: 1,
        detected_success_rate: 1,
        enforced_success_rate: 1,
        enforced_total: 1,
        success_rate: 1,
        total: 1,
      });
      await becomes(b, "200,200,500,200,200", ["host 0", "host 1", "host 3", "host 4"]);
    },
  );

  behaviour(
    "a share of failures above the threshold",
    watched(
      {
        consecutive_5xx: 0,
        interval: "0.4s",
        enforcing_success_rate: 0,
        failure_percentage_minimum_hosts: 2,
        failure_percentage_request_volume: 2,
        failure_percentage_threshold: 90,
        enforcing_failure_percentage: 100,
      },
      2,
    ),
    async (b) => {
      for (let tries = 0; tries < 20 && (await stat(b, "active")) === 0; tries++) await ask(b, "500,200", 10);
      await reaches(b, "active", 1);
      expect(await moved(b)).toEqual({
        active: 1,
        detected_failure_percentage: 1,
        enforced_failure_percentage: 1,
        enforced_total: 1,
      });
      expect(await flags(b)).toEqual(["/failed_outlier_check", "healthy"]);
    },
  );

  behaviour(
    "the success rates of the last interval, as /clusters tells them",
    watched(
      { consecutive_5xx: 0, interval: "0.4s", success_rate_request_volume: 2, enforcing_success_rate: 0 },
      5,
    ),
    async (b) => {
      const rates = async () => {
        const text = await proxy().admin(`/clusters?filter=^${b.id}$`);
        return [...text.matchAll(/::success_rate::(.*)/g)].map(([, rate]) => rate).join();
      };
      expect(await rates()).toBe("-1,-1,-1,-1,-1");
      await vi.waitFor(async () => {
        await ask(b, "200,200,503,200,200", 20);
        expect(await rates()).toBe("100,100,0,100,100");
      }, WAIT);
    },
  );

  behaviour(
    "detect_degraded_hosts: a host that says that it is degraded comes behind the others",
    watched({ detect_degraded_hosts: true, max_ejection_percent: 0 }, 2),
    async (b) => {
      await ask(b, "200,degraded", 2);
      await reaches(b, "detected_degradation", 1);
      expect(await flags(b)).toEqual(["healthy", "/degraded_outlier_detection"]);
      expect(await proxy().stat(`cluster.${b.id}.membership_degraded`)).toBe(1);
      // 140 % of half the hosts is 70 %.
      await vi.waitFor(async () => {
        const seen = await ask(b, "200,200", 20);
        expect(seen.filter((host) => host === "host 0").length).toBeGreaterThan(seen.length / 2);
      }, WAIT);
      expect(await moved(b)).toEqual({ detected_degradation: 1 });
    },
  );

  behaviour(
    "... for as long as an ejection would last",
    watched({ detect_degraded_hosts: true, base_ejection_time: "0.05s", interval: "0.1s" }, 2),
    async (b) => {
      await ask(b, "200,degraded", 2);
      await reaches(b, "detected_degradation", 1);
      await vi.waitFor(async () => expect(await flags(b)).toEqual(["healthy", "healthy"]), WAIT);
      expect(await proxy().stat(`cluster.${b.id}.membership_healthy`)).toBe(2);
    },
  );
});
