import { describe, expect, test } from "vitest";
import {
  type Availability,
  choosePriority,
  priorityLoads,
} from "../../../../host/proxy/balancing/priority-load";

const RULES = { overprovisioningFactor: 140, panicThreshold: 50 };

/** `healthy/degraded/hosts` for each priority. */
function priorities(text: string): Availability[] {
  return text.split(" ").map((one) => {
    const [healthy, degraded, hosts] = one.split("/").map(Number) as [number, number, number];
    return { healthy, degraded, hosts, excluded: 0 };
  });
}

const loads = (text: string, rules = RULES) => {
  const { healthy, degraded, panic } = priorityLoads(priorities(text), rules);
  return `${healthy.join(" ")} | ${degraded.join(" ")} | ${panic.map(Number).join("")}`;
};

describe("Envoy's own figures", () => {
  test.each([
    // As in the tables of Envoy's documentation, for two and three priorities.
    ["100/0/100 100/0/100", "100 0 | 0 0 | 00"],
    ["72/0/100 100/0/100", "100 0 | 0 0 | 00"],
    ["71/0/100 100/0/100", "99 1 | 0 0 | 00"],
    ["50/0/100 100/0/100", "70 30 | 0 0 | 00"],
    ["25/0/100 100/0/100", "35 65 | 0 0 | 00"],
    ["25/0/100 50/0/100", "35 65 | 0 0 | 00"],
    ["100/0/100 100/0/100 100/0/100", "100 0 0 | 0 0 0 | 000"],
    ["72/0/100 72/0/100 100/0/100", "100 0 0 | 0 0 0 | 000"],
    ["50/0/100 50/0/100 100/0/100", "70 30 0 | 0 0 0 | 000"],
    ["25/0/100 100/0/100 100/0/100", "35 65 0 | 0 0 0 | 000"],
    ["25/0/100 25/0/100 100/0/100", "35 35 30 | 0 0 0 | 000"],
    // Together they cannot do it: what is there is scaled up, and those short of hosts panic.
    ["20/0/100 20/0/100 10/0/100", "34 33 33 | 0 0 0 | 111"],
    ["25/0/100 25/0/100", "50 50 | 0 0 | 11"],
    ["5/0/100 65/0/100", "8 92 | 0 0 | 10"],
    // Half of them are no panic, fewer are.
    ["50/0/100", "100 | 0 | 0"],
    ["49/0/100", "100 | 0 | 1"],
    ["10/40/100", "20 | 80 | 0"],
    // Degraded hosts take what healthy ones cannot.
    ["50/50/100", "70 | 30 | 0"],
    ["0/100/100", "0 | 100 | 0"],
    ["0/50/100 50/0/100", "0 70 | 30 0 | 00"],
    // Nobody is healthy: by numbers of hosts.
    ["0/0/100 0/0/300", "25 75 | 0 0 | 11"],
    ["0/0/0 0/0/3", "0 100 | 0 0 | 11"],
    ["0/0/0", "100 | 0 | 1"],
    ["0/0/1 0/0/1 0/0/1", "34 33 33 | 0 0 0 | 111"],
  ])("%s", (hosts, expected) => {
    expect(loads(hosts)).toBe(expected);
  });

  test("without a panic threshold nobody panics, and the first priority says that nobody is there", () => {
    expect(loads("0/0/3 0/0/3", { ...RULES, panicThreshold: 0 })).toBe("100 0 | 0 0 | 00");
    expect(loads("1/0/100 1/0/100", { ...RULES, panicThreshold: 0 })).toBe("50 50 | 0 0 | 00");
  });

  test("hosts that do not count leave the others alone", () => {
    const [only] = priorities("3/0/10");
    expect(priorityLoads([{ ...only!, excluded: 7 }], RULES)).toEqual({
      healthy: [100],
      degraded: [0],
      panic: [false],
    });
  });
});

test("shares are whole, never negative, 100 in all, and every number finds its priority", () => {
  let seed = 7;
  const random = (below: number) => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  for (let round = 0; round < 5000; round++) {
    const all = Array.from({ length: 1 + random(5) }, () => {
      const hosts = random(20);
      const healthy = random(hosts + 1);
      const degraded = random(hosts - healthy + 1);
      return { hosts, healthy, degraded, excluded: random(hosts - healthy - degraded + 1) };
    });
    const rules = { overprovisioningFactor: 100 + random(100), panicThreshold: random(101) };
    const { healthy, degraded, panic } = priorityLoads(all, rules);
    const shares = [...healthy, ...degraded];
    expect(
      shares.every((share) => Number.isInteger(share) && share >= 0),
      JSON.stringify(all),
    ).toBe(true);
    expect(
      shares.reduce((sum, share) => sum + share),
      JSON.stringify({ all, rules }),
    ).toBe(100);
    const found = { healthy: healthy.map(() => 0), degraded: degraded.map(() => 0) };
    for (let number = 1; number <= 100; number++) {
      const { priority, of } = choosePriority({ healthy, degraded, panic }, number);
      found[of][priority]!++;
    }
    expect(found).toEqual({ healthy, degraded });
  }
});
