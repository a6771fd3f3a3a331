import { afterEach, expect, test, vi } from "vitest";
import { Cluster } from "../../../../host/proxy/clusters/cluster";
import { parseAddress } from "../../../../host/proxy/clusters/original-dst";
import { StatsStore } from "../../../../host/proxy/stats/store";
import { HeaderMap } from "../../../../host/stores/header-map";
import { cluster } from "../support/bootstrap";

afterEach(() => vi.useRealTimers());

function named() {
  vi.useFakeTimers();
  const originalDst = { header: "x-where", port: undefined, cleanupMs: 1000 };
  const app = new Cluster(cluster("app", undefined, { type: "ORIGINAL_DST", originalDst }), new StatsStore());
  const pick = (where: string) => {
    const headers = new HeaderMap("request");
    headers.add("x-where", where);
    return app.pick({ headers });
  };
  return { app, pick };
}

test("one host for one address, however it is written", () => {
  const { app, pick } = named();
  const host = pick("[::1]:80");
  expect(host).toBeDefined();
  for (const same of ["[0:0:0:0:0:0:0:1]:80", "[::0001]:0080"]) expect(pick(same)).toBe(host);
  expect(pick("[::1]:81")).not.toBe(host);
  expect(app.pick()).toBeUndefined();
  app.close();
});

test("a host is forgotten at the second look after it was asked for; with the last one looking ends", () => {
  const { app, pick } = named();
  pick("127.0.0.1:1");
  vi.advanceTimersByTime(500);
  pick("127.0.0.1:2");
  vi.advanceTimersByTime(600);
  pick("127.0.0.1:2");
  vi.advanceTimersByTime(1000);
  expect(app.hosts.map(({ port }) => port)).toEqual([2]);
  vi.advanceTimersByTime(1000);
  expect([app.hosts, vi.getTimerCount()]).toEqual([[], 0]);
  expect(app.stats.membership_change.value).toBe(4);
});

test("one with a connection stays", () => {
  const { app, pick } = named();
  const host = pick("127.0.0.1:1")!;
  host.stats.cx_active.add(1);
  vi.advanceTimersByTime(10_000);
  expect(app.hosts).toEqual([host]);
  host.stats.cx_active.add(-1);
  vi.advanceTimersByTime(1000);
  expect(app.hosts).toEqual([]);
});

test("whoever may write the header does not get any number of hosts", () => {
  const { app, pick } = named();
  let host: unknown;
  // Put there by hand: ten thousand requests would each make the list of hosts again.
  const full = Array.from({ length: 10_000 }, (_, i) => [`10.0.${i >> 8}.${i & 255}:1`, {}] as const);
  const { originalDst } = app as unknown as { originalDst: { byAddress: Map<string, unknown> } };
  for (const [name, each] of full) originalDst.byAddress.set(name, each);
  host = pick("127.0.0.1:1");
  expect(host).toBeUndefined();
  originalDst.byAddress.clear();
  host = pick("127.0.0.1:1");
  expect(host).toBeDefined();
  app.close();
});

test.each([
  ["127.0.0.1:80", { address: "127.0.0.1", port: 80 }],
  ["[::ffff:1.2.3.4]:65535", { address: "::ffff:1.2.3.4", port: 65_535 }],
  ["[FE80::1]:0", { address: "fe80::1", port: 0 }],
  ["[fe80::1%lo]:1", undefined],
  ["[]:1", undefined],
  [":1", undefined],
  ["256.0.0.1:1", undefined],
  ["127.0.0.1:80:", undefined],
  ["127.0.0.1:1 1", undefined],
])("%s", (text, expected) => {
  expect(parseAddress(text)).toEqual(expected);
});
