import { describe, expect, test } from "vitest";
import type { TestHostOptions } from "../../../host/testing/index";
import { startHost } from "../../../host/testing/vitest";
import { guest } from "../../support/guests";

async function puppet(script: string, more: Partial<TestHostOptions> = {}) {
  const module = await guest("puppet");
  return startHost({ plugins: { module, name: "p", vmId: "v", configuration: script }, ...more });
}

function limited(more: Partial<TestHostOptions>) {
  const configuration = { stat_prefix: "p", token_bucket: { max_tokens: 10, fill_interval: "3600s" } };
  return startHost({
    plugins: { module: "filters/ratelimit", name: "ratelimit", rootId: "ratelimit", configuration },
    ...more,
  });
}

describe("several workers", () => {
  test("each has an instance of its own: the first stream of a worker is the first of that instance", async () => {
    const host = await puppet("on request_headers\n  log 2 $context", { workers: 3 });
    for (const worker of [0, 1, 2, 2]) host.request({ worker }).respond();
    const ids = host.logs(/^\d+$/).map(({ message }) => message);
    expect(ids.slice(0, 3)).toEqual(Array(3).fill(ids[0]));
    expect(ids[3]).not.toBe(ids[0]);
  });

  test("streams are spread as the seed says", async () => {
    const spread = async (seed: number) => {
      const host = await puppet("on request_headers\n  log 2 $context", { workers: 2, seed });
      for (let i = 0; i < 30; i++) host.request().respond();
      return host.logs(/^\d+$/).map(({ message }) => message);
    };
    const first = await spread(1);
    expect(new Set(first).size).toBeLessThan(30);
    expect(await spread(1)).toEqual(first);
    expect(await spread(2)).not.toEqual(first);
  });

  test("a worker that is not there is an error that says so", async () => {
    const host = await puppet("", { workers: 2 });
    expect(() => host.request({ worker: 2 })).toThrow("worker 2 of 2: they count from 0");
  });

  test.each([0, 0.3, 0.6])(
    "a bucket of ten tokens lets ten of thirty pass, contention %d",
    async (contention) => {
      const host = await limited({ workers: 4, contention });
      const states = Array.from({ length: 30 }, () => {
        const exchange = host.request();
        if (exchange.state === "forwarded") exchange.respond();
        return exchange.response.status;
      });
      console.log(`seed ${host.seed}`);
      expect(states.filter((status) => status === 200)).toHaveLength(10);
      expect(states.filter((status) => status === 429)).toHaveLength(20);
    },
  );

  test("contention refuses a write now and then, and the next read has another number", async () => {
    const script = `
on request_headers
  set-shared k 1 0
  c = shared-cas k
  s = set-shared k 2 $c`;
    const host = await puppet(script, { contention: 0.5, seed: 7 });
    for (let i = 0; i < 40; i++) host.request().respond();
    const refused = host.trace.filter((line) => /proxy_set_shared_data.*CasMismatch/.test(line)).length;
    expect(refused).toBeGreaterThan(5);
    expect(refused).toBeLessThan(35);
  });

  test("a queue's notifications go to the worker that registered last, whoever put something in", async () => {
    const script = `
on configure
  q = register items
on request_headers
  q = resolve v items
  enqueue $q one
on queue_ready
  i = dequeue $queue`;
    const host = await puppet(script, { workers: 3 });
    for (const worker of [0, 1, 2]) host.request({ worker }).respond();
    expect(host.logs(/^i=\S+ one$/)).toHaveLength(3);
    expect(host.trace.filter((line) => line.includes("==> proxy_on_queue_ready"))).toHaveLength(3);
  });
});
