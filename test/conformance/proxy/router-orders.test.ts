import { expect } from "vitest";
import { type Json, ROUTER } from "../../support/bootstrap";
import { type Behaviour, conformance, type Setup } from "../../support/conformance";
import type { RawHeaders } from "../../support/http-message";
import type { UpstreamRequest } from "../../support/raw-upstream";

/** Clients on this machine come from inside. */
const INTERNAL: Json = {
  use_remote_address: true,
  internal_address_config: { cidr_ranges: [{ address_prefix: "127.0.0.0", prefix_len: 8 }] },
};
const SOON = { retry_back_off: { base_interval: "0.001s", max_interval: "0.002s" } };

function setup(route: Json = {}, more: Setup = {}): Setup {
  return {
    manager: INTERNAL,
    routes: (id) => [{ match: { prefix: "/" }, route: { cluster: id, ...route } }],
    ...more,
  };
}

const router = (options: Json): Json => ({
  http_filters: [{ ...ROUTER, typed_config: { ...(ROUTER.typed_config as Json), ...options } }],
});

/** Headers of Envoy's own that a host has been told, without those every request has. */
function told(request: UpstreamRequest): string[] {
  return request.headers
    .filter(([name]) => name.startsWith("x-envoy-") && name !== "x-envoy-internal")
    .map(([name, value]) => `${name.slice("x-envoy-".length)}: ${value}`)
    .filter((line) => !line.startsWith("external-address"))
    .sort();
}

/** Waits until a number is what it is to be. (`expect.poll` knows no tests that run beside others.) */
async function becomes(wanted: number, read: () => Promise<number>): Promise<void> {
  const end = performance.now() + 5000;
  while ((await read()) !== wanted && performance.now() < end)
    await new Promise((resolve) => setTimeout(resolve, 10));
  expect(await read()).toBe(wanted);
}

/** What the host is told for orders, and how the client is answered. */
async function ask(b: Behaviour, orders: Readonly<Record<string, string>>, more: RawHeaders = []) {
  const { length } = b.upstream.requests;
  const headers: RawHeaders = Object.entries(orders).map(([name, value]) => [`x-envoy-${name}`, value]);
  const response = await b.exchange({ headers: [...headers, ...more] });
  const requests = b.upstream.requests.slice(length);
  return { response, requests, told: requests.map(told), hits: requests.length };
}

conformance("Orders of internal requests: time", ({ behaviour, proxy }) => {
  behaviour("upstream-rq-timeout-ms, upstream-rq-per-try-timeout-ms", setup(), async (b) => {
    const seen = async (orders: Readonly<Record<string, string>>) => (await ask(b, orders)).told[0];
    expect(await seen({})).toEqual(["expected-rq-timeout-ms: 15000"]);
    expect(await seen({ "upstream-rq-timeout-ms": "5000" })).toEqual(["expected-rq-timeout-ms: 5000"]);
    expect(await seen({ "upstream-rq-timeout-ms": "0" })).toEqual([]);
    for (const odd of ["-5", "5s", "1.5", "", "soon"])
      expect(await seen({ "upstream-rq-timeout-ms": odd }), odd).toEqual(["expected-rq-timeout-ms: 15000"]);
    expect(await seen({ "upstream-rq-timeout-ms": "+7" })).toEqual(["expected-rq-timeout-ms: 7"]);
    expect(await seen({ "upstream-rq-per-try-timeout-ms": "200" })).toEqual(["expected-rq-timeout-ms: 200"]);
    expect(await seen({ "upstream-rq-timeout-ms": "500", "upstream-rq-per-try-timeout-ms": "500" })).toEqual([
      "expected-rq-timeout-ms: 500",
    ]);
    expect(await seen({ "upstream-rq-timeout-ms": "0", "upstream-rq-per-try-timeout-ms": "500" })).toEqual([
      "expected-rq-timeout-ms: 500",
    ]);
    // Said by who may say everything, but the proxy knows better.
    expect(await seen({ "expected-rq-timeout-ms": "77" })).toEqual(["expected-rq-timeout-ms: 15000"]);
    expect(await seen({ "hedge-on-per-try-timeout": "false" })).toEqual(["expected-rq-timeout-ms: 15000"]);
  });

  behaviour("they count", setup({}, { upstream: () => {} }), async (b) => {
    const { response } = await ask(b, { "upstream-rq-timeout-ms": "100" });
    expect([response.status, response.text]).toEqual([504, "upstream request timeout"]);
    const attempt = await ask(b, { "upstream-rq-per-try-timeout-ms": "100" });
    expect([attempt.response.status, attempt.hits]).toEqual([504, 1]);
    // A limit for attempts that is no shorter than that for all does not count.
    await ask(b, { "upstream-rq-timeout-ms": "100", "upstream-rq-per-try-timeout-ms": "100" });
    expect(await proxy().stat(`cluster.${b.id}.upstream_rq_per_try_timeout`)).toBe(1);
    expect(await proxy().stat(`cluster.${b.id}.upstream_rq_timeout`)).toBe(2);
    const duration = await ask(b, { "upstream-stream-duration-ms": "100" });
    expect([duration.response.status, duration.response.text, duration.told]).toEqual([
      504,
      "upstream max stream duration reached",
      [["expected-rq-timeout-ms: 15000"]],
    ]);
  });

  behaviour(
    "upstream-rq-timeout-alt-response: 204 in place of 504",
    setup({}, { upstream: () => {}, script: "on log\n details = prop response code_details" }),
    async (b) => {
      const orders = { "upstream-rq-timeout-ms": "100", "upstream-rq-timeout-alt-response": "0" };
      const { response, told: said } = await ask(b, orders);
      expect([response.status, response.text, said]).toEqual([204, "", [["expected-rq-timeout-ms: 100"]]]);
      expect(await b.logged("details")).toBe("0 response_timeout");
      const attempt = await ask(b, {
        "upstream-rq-per-try-timeout-ms": "100",
        "upstream-rq-timeout-alt-response": "1",
      });
      expect(attempt.response.status).toBe(204);
    },
  );

  behaviour(
    "respect_expected_rq_timeout: what the hop before says counts",
    setup({}, { manager: { ...INTERNAL, ...router({ respect_expected_rq_timeout: true }) } }),
    async (b) => {
      const seen = async (orders: Readonly<Record<string, string>>) => (await ask(b, orders)).told[0];
      expect(await seen({ "expected-rq-timeout-ms": "77" })).toEqual(["expected-rq-timeout-ms: 77"]);
      expect(await seen({ "expected-rq-timeout-ms": "77", "upstream-rq-timeout-ms": "500" })).toEqual([
        "expected-rq-timeout-ms: 77",
        "upstream-rq-timeout-ms: 500",
      ]);
      expect(await seen({ "upstream-rq-timeout-ms": "500" })).toEqual(["expected-rq-timeout-ms: 500"]);
      expect(await seen({ "expected-rq-timeout-ms": "soon" })).toEqual(["expected-rq-timeout-ms: 15000"]);
    },
  );

  behaviour(
    "suppress_envoy_headers: the host is told nothing, orders count",
    setup({}, { manager: { ...INTERNAL, ...router({ suppress_envoy_headers: true }) }, upstream: () => {} }),
    async (b) => {
      const { response, told: said } = await ask(b, { "upstream-rq-timeout-ms": "100" });
      expect([response.status, said]).toEqual([504, [[]]]);
    },
  );

  behaviour(
    "a stranger's orders are taken off and mean nothing",
    setup(
      { retry_policy: { retry_on: "reset", ...SOON } },
      {
        manager: { use_remote_address: true },
        upstream: (_, reply) => reply.send({ status: 503 }),
      },
    ),
    async (b) => {
      const { hits, told: said } = await ask(b, {
        "upstream-rq-timeout-ms": "100",
        "upstream-rq-per-try-timeout-ms": "50",
        "upstream-stream-duration-ms": "50",
        "upstream-rq-timeout-alt-response": "1",
        "retry-on": "5xx",
        "retry-grpc-on": "unavailable",
        "max-retries": "3",
        "retriable-status-codes": "503",
        "retriable-header-names": "content-length",
        "hedge-on-per-try-timeout": "true",
        "expected-rq-timeout-ms": "77",
      });
      expect([hits, said]).toEqual([1, [["expected-rq-timeout-ms: 15000"]]]);
    },
  );
});

conformance("Orders of internal requests: retries", ({ behaviour, proxy }) => {
  const retried = (b: Behaviour) => proxy().stat(`cluster.${b.id}.retry.upstream_rq_503`);
  const overflown = (b: Behaviour) => proxy().stat(`cluster.${b.id}.upstream_rq_retry_overflow`);

  /** The host answers with the status that stands in the request's `x-status`. */
  const asking = (route: Json = {}, more: Setup = {}) =>
    setup(
      { retry_policy: { ...SOON }, ...route },
      {
        upstream: (request, reply) => {
          const headers: RawHeaders = [];
          for (const name of ["grpc-status", "x-again"]) {
            const value = request.header(`x-${name}`);
            if (value !== undefined) headers.push([name, value]);
          }
          reply.send({ status: Number(request.header("x-status") ?? 200), headers });
        },
        ...more,
      },
    );

  behaviour("retry-on, max-retries: added to the route's", asking(), async (b) => {
    const hits = async (orders: Readonly<Record<string, string>>, status = "503") =>
      (await ask(b, orders, [["x-status", status]])).hits;
    expect(await hits({})).toBe(1);
    expect(await hits({ "retry-on": "5xx" })).toBe(2);
    expect(await hits({ "retry-on": " gateway-error , nonsense" })).toBe(2);
    expect(await hits({ "retry-on": "5xx", "max-retries": "3" })).toBe(4);
    expect(await hits({ "retry-on": "5xx", "max-retries": "0" })).toBe(1);
    expect(await hits({ "retry-on": "5xx", "max-retries": "many" })).toBe(2);
    expect(await hits({ "max-retries": "3" })).toBe(1);
    expect(await hits({ "retry-on": "retriable-4xx" }, "409")).toBe(2);
    expect(await hits({ "retry-on": "unavailable" })).toBe(1);
    const { told: said } = await ask(b, { "retry-on": "5xx", "max-retries": "1" }, [["x-status", "503"]]);
    expect(said).toEqual([
      [expect.stringMatching(/^expected-rq-timeout-ms: \d+$/)],
      [expect.stringMatching(/^expected-rq-timeout-ms: \d+$/)],
    ]);
  });

  behaviour("without a policy of the route: one retry", asking({ retry_policy: undefined }), async (b) => {
    const { hits } = await ask(b, { "retry-on": "5xx" }, [["x-status", "500"]]);
    expect(hits).toBe(2);
  });

  behaviour(
    "retry-grpc-on, retriable-status-codes, retriable-header-names",
    asking({ retry_policy: { ...SOON, retry_on: "retriable-status-codes", retriable_status_codes: [418] } }),
    async (b) => {
      const hits = async (orders: Readonly<Record<string, string>>, more: RawHeaders) =>
        (await ask(b, orders, more)).hits;
      expect(await hits({ "retry-grpc-on": "unavailable,cancelled" }, [["x-grpc-status", "14"]])).toBe(2);
      expect(await hits({ "retry-grpc-on": "cancelled" }, [["x-grpc-status", "14"]])).toBe(1);
      expect(await hits({ "retry-grpc-on": "5xx" }, [["x-status", "503"]])).toBe(1);
      expect(await hits({ "retriable-status-codes": "404, 405,x" }, [["x-status", "405"]])).toBe(2);
      expect(await hits({ "retriable-status-codes": "404" }, [["x-status", "418"]])).toBe(2);
      expect(await hits({ "retriable-status-codes": "404" }, [["x-status", "405"]])).toBe(1);
      const names = { "retry-on": "retriable-headers", "retriable-header-names": "x-never, X-Again" };
      expect(await hits(names, [["x-x-again", "1"]])).toBe(2);
      expect(await hits(names, [])).toBe(1);
      expect(await hits({ "retriable-header-names": "x-again" }, [["x-x-again", "1"]])).toBe(1);
    },
  );

  behaviour(
    "a route that sets the headers orders for every request",
    {
      ...asking(),
      manager: {},
      routes: (id) => [
        {
          match: { prefix: "/" },
          route: { cluster: id },
          request_headers_to_add: [
            { header: { key: "x-envoy-retry-on", value: "5xx" } },
            { header: { key: "x-envoy-max-retries", value: "2" } },
            { header: { key: "x-envoy-upstream-rq-timeout-ms", value: "100" } },
          ],
        },
      ],
    },
    async (b) => {
      const { hits, told: said } = await ask(b, {}, [["x-status", "500"]]);
      expect(hits).toBe(3);
      // Of time it is too late to speak.
      expect(said[0]).toEqual(["expected-rq-timeout-ms: 15000", "upstream-rq-timeout-ms: 100"]);
    },
  );

  behaviour(
    "retriable_request_headers: only requests that have one",
    asking({
      retry_policy: {
        ...SOON,
        retry_on: "5xx",
        retriable_request_headers: [{ name: "x-may", string_match: { exact: "yes" } }],
      },
    }),
    async (b) => {
      expect((await ask(b, {}, [["x-status", "503"]])).hits).toBe(1);
      expect((await ask(b, { "retry-on": "5xx" }, [["x-status", "503"]])).hits).toBe(1);
      expect(
        (
          await ask(b, {}, [
            ["x-status", "503"],
            ["x-may", "yes"],
          ])
        ).hits,
      ).toBe(2);
    },
  );

  behaviour(
    "hosts are told of attempts, of the time that is left, and whether the one before was too slow",
    {
      ...setup({
        timeout: "2s",
        retry_policy: { ...SOON, retry_on: "5xx", num_retries: 2, per_try_timeout: "0.2s" },
      }),
      virtualHost: {
        include_request_attempt_count: true,
        include_attempt_count_in_response: true,
        include_is_timeout_retry_header: true,
      },
      upstream: (request, reply) => {
        const attempt = Number(request.header("x-envoy-attempt-count"));
        if (attempt === 2) reply.send({ status: 503 });
        if (attempt === 3) reply.send({ body: "at last" });
      },
    },
    async (b) => {
      const { response, told: said } = await ask(b, {});
      expect([response.text, response.header("x-envoy-attempt-count")]).toEqual(["at last", "3"]);
      expect(said).toEqual([
        ["attempt-count: 1", "expected-rq-timeout-ms: 200"],
        ["attempt-count: 2", "expected-rq-timeout-ms: 200", "is-timeout-retry: true"],
        ["attempt-count: 3", "expected-rq-timeout-ms: 200", "is-timeout-retry: false"],
      ]);
    },
  );

  behaviour(
    "the time that is left, without a limit for attempts",
    {
      ...setup({ timeout: "5s", retry_policy: { ...SOON, retry_on: "5xx" } }),
      upstream: async (_, reply) => {
        await new Promise((resolve) => setTimeout(resolve, 300));
        reply.send({ status: 503 });
      },
    },
    async (b) => {
      const { requests } = await ask(b, {});
      const left = requests.map((request) => Number(request.header("x-envoy-expected-rq-timeout-ms")));
      expect(left[0]).toBe(5000);
      expect(left[1]).toBeLessThan(4750);
      expect(left[1]).toBeGreaterThan(3000);
    },
  );

  behaviour(
    "attempt counts of a client: passed on, unless the proxy counts itself",
    {
      ...asking(),
      routes: (id) => [{ match: { prefix: "/" }, route: { cluster: id } }],
    },
    async (b) => expect((await ask(b, { "attempt-count": "7" })).told[0]).toContain("attempt-count: 7"),
  );

  for (const [name, budget, retries] of [
    ["a retry budget of nothing", { budget_percent: { value: 0 }, min_retry_concurrency: 0 }, 0],
    ["a retry budget by its least", { budget_percent: { value: 0 }, min_retry_concurrency: 1 }, 1],
    ["a retry budget by requests under way", { budget_percent: { value: 50 }, min_retry_concurrency: 0 }, 2],
    ["a retry budget of 100 %", { budget_percent: { value: 100 }, min_retry_concurrency: 0 }, 4],
  ] as const)
    behaviour(
      name,
      {
        ...setup({
          retry_policy: {
            retry_on: "5xx",
            // Retries wait while the others come.
            retry_back_off: { base_interval: "600s", max_interval: "600s" },
          },
          timeout: "0s",
        }),
        cluster: { circuit_breakers: { thresholds: [{ retry_budget: budget, max_retries: 0 }] } },
        upstream: (request, reply) => {
          if (request.path === "/fail") reply.send({ status: 503 });
        },
      },
      async (b) => {
        // Four that stay under way, and four that fail.
        const held = await Promise.all([0, 1, 2, 3].map(() => b.connect()));
        for (const client of held) client.send({ path: "/hold" });
        await b.upstream.request(3);
        for (let i = 1; i <= 4; i++) {
          const client = await b.connect();
          client.send({ path: "/fail" });
          held.push(client);
          // One after the other: each finds as many under way as the one before.
          await becomes(i, async () => (await retried(b)) + (await overflown(b)));
        }
        expect(await overflown(b)).toBe(4 - retries);
        for (const client of held) client.close();
      },
    );
});
