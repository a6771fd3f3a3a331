import fc from "fast-check";
import { expect, test } from "vitest";
import { mergeMetrics } from "../../../../host/cli/status/merge";
import { probeArgument, statusArgument, urlArgument } from "../../../../host/cli/status/options";

test("what a metric is stands once, samples all stay", () => {
  const proxy = "# HELP a of the proxy\n# TYPE a counter\na 1\n";
  const app = '# TYPE a gauge\n# HELP a of the app\na{x="1"} 2\r\n\n# TYPE b gauge\nb 3\n# EOF\n';
  expect(mergeMetrics([proxy, app])).toBe(
    '# HELP a of the proxy\n# TYPE a counter\na 1\na{x="1"} 2\n# TYPE b gauge\nb 3\n',
  );
});

test("nothing is nothing", () => {
  expect(mergeMetrics([])).toBe("");
  expect(mergeMetrics(["", "\n"])).toBe("");
});

test("no sample is lost, no declaration stands twice", () => {
  const name = fc.constantFrom("a", "b", "c");
  const line = fc.oneof(
    name.map((n) => `# TYPE ${n} counter`),
    fc.tuple(name, fc.nat()).map(([n, v]) => `${n} ${v}`),
  );
  fc.assert(
    fc.property(fc.array(fc.array(line)), (texts) => {
      const merged = mergeMetrics(texts.map((lines) => lines.join("\n"))).split("\n");
      const samples = (lines: string[]) => lines.filter((l) => l !== "" && !l.startsWith("#"));
      expect(samples(merged)).toEqual(samples(texts.flat()));
    }),
  );
});

test("addresses", () => {
  expect(statusArgument("15020")).toEqual({ host: "127.0.0.1", port: 15020 });
  expect(statusArgument("0.0.0.0:0")).toEqual({ host: "0.0.0.0", port: 0 });
  expect(statusArgument("[::]:1")).toEqual({ host: "::", port: 1 });
  for (const bad of ["", "x", "70000", "host:1", "1.2.3:1", "::1:1", "[x]:1"])
    expect(() => statusArgument(bad), bad).toThrow();
  expect(() => urlArgument("file:///etc/passwd")).toThrow();
  expect(() => probeArgument("http://a/")).toThrow();
  expect(probeArgument("b=http://b/x=y", probeArgument("a=http://a/"))).toEqual(
    new Map([
      ["a", "http://a/"],
      ["b", "http://b/x=y"],
    ]),
  );
});
