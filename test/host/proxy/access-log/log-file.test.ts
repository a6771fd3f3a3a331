import { mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { StartError } from "../../../../host/errors";
import { LogFile, type LogFileOptions } from "../../../../host/proxy/access-log/log-file";
import { LogFiles } from "../../../../host/proxy/access-log/log-files";
import { StatsStore } from "../../../../host/proxy/stats/store";

const dir = mkdtempSync(join(tmpdir(), "log-file-"));
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

let files = 0;
const NAMES = [
  "write_buffered",
  "write_completed",
  "write_failed",
  "write_dropped",
  "flushed_by_timer",
  "reopen_failed",
];

function open(options: Partial<LogFileOptions> = {}, path = join(dir, `${files++}.log`)) {
  const store = new StatsStore();
  const counters = Object.fromEntries(NAMES.map((name) => [name, store.counter(`filesystem.${name}`)]));
  const gauge = store.gauge("filesystem.write_total_buffered");
  const stats = { ...counters, write_total_buffered: gauge } as unknown as ConstructorParameters<
    typeof LogFile
  >[1];
  const file = new LogFile(path, stats, { flushMs: 3_600_000, flushBytes: 100, maxBytes: 1000, ...options });
  closers.push(() => file.close());
  const count = (name: string) => Number(counters[name]!.value);
  return { file, path, count, waiting: () => Number(gauge.value), text: () => readFileSync(path, "latin1") };
}

test("the first line goes at once, later ones wait for company", async () => {
  const { file, text, count, waiting } = open();
  file.write("first\n");
  await vi.waitFor(() => expect(count("write_completed")).toBe(1));
  file.write("second\n");
  file.write("third\n");
  expect([text(), waiting()]).toEqual(["first\n", 13]);
  file.write(`${"x".repeat(100)}\n`);
  await vi.waitFor(() => expect(text()).toBe(`first\nsecond\nthird\n${"x".repeat(100)}\n`));
  await vi.waitFor(() => expect(count("write_completed")).toBe(2));
  expect([waiting(), count("write_buffered")]).toEqual([0, 4]);
});

test("the timer writes what waits", async () => {
  const { file, text, count } = open({ flushMs: 5 });
  file.write("first\n");
  await vi.waitFor(() => expect(count("write_completed")).toBe(1));
  file.write("second\n");
  await vi.waitFor(() => expect(text()).toBe("first\nsecond\n"));
  expect(count("flushed_by_timer")).toBeGreaterThan(0);
});

test("lines beyond the limit are dropped and counted, and those after them are not", async () => {
  const { file, text, count } = open();
  for (let i = 0; i < 30; i++) file.write(`${"x".repeat(49)}\n`);
  expect(count("write_dropped")).toBe(10);
  await vi.waitFor(() => expect(count("write_completed")).toBeGreaterThan(1));
  file.write("last\n");
  file.close();
  await vi.waitFor(() => expect(text().split("\n")).toHaveLength(22));
  expect(text().endsWith("last\n")).toBe(true);
});

test("a disk that is full costs lines and nothing else", async () => {
  const { file, count, waiting } = open({}, "/dev/full");
  file.write("lost\n");
  await vi.waitFor(() => expect(count("write_failed")).toBe(1));
  expect(waiting()).toBe(0);
});

test("what waits at the end is written", () => {
  const { file, text } = open();
  file.write("a\n");
  file.write("b\n");
  file.close();
  return vi.waitFor(() => expect(text().split("\n").sort()).toEqual(["", "a", "b"]));
});

test("a path that is gone keeps the old file", async () => {
  const folder = mkdtempSync(join(dir, "gone-"));
  const { file, count, path } = open({}, join(folder, "log"));
  file.write("a\n");
  await vi.waitFor(() => expect(count("write_completed")).toBe(1));
  const elsewhere = join(dir, "elsewhere.log");
  renameSync(path, elsewhere);
  rmSync(folder, { recursive: true });
  file.reopen();
  expect(count("reopen_failed")).toBe(1);
  file.write("b\n");
  file.close();
  expect(readFileSync(elsewhere, "latin1")).toBe("a\nb\n");
});

test("a file that cannot be opened is an error, and a path is opened once", () => {
  const logs = new LogFiles(new StatsStore(), undefined);
  expect(() => logs.open(join(dir, "no", "such", "folder"))).toThrow(StartError);
  const path = join(dir, "shared.log");
  expect(logs.open(path)).toBe(logs.open(path));
  logs.close();
});
