import { expect, test } from "vitest";
import type { Host } from "../../../../host/proxy/clusters/cluster";
import type { UpstreamEvents, UpstreamStream } from "../../../../host/proxy/clusters/upstream-events";
import { TunnelGate } from "../../../../host/proxy/tunnel/tunnel-gate";
import { HeaderMap } from "../../../../host/stores/header-map";

const head = (status: string, ...more: [string, string][]) =>
  HeaderMap.of("response", [[":status", status], ...more]);
const GRANTED = head("101", ["connection", "Upgrade"], ["upgrade", "websocket"]);

/** A gate with what goes through it, either way, in order. `takes`: the host takes bytes without end. */
function gate({ type = "websocket", takes = true } = {}) {
  const told: string[] = [];
  const note =
    (name: string) =>
    (...args: unknown[]) => {
      told.push(
        [name, ...args.map((arg) => (arg instanceof HeaderMap ? arg.get(":status") : arg))].join(" "),
      );
    };
  const names = ["Ready", "Information", "Headers", "Data", "Trailers", "Reset", "Drain", "Bug"];
  const events = Object.fromEntries(names.map((name) => [`onUpstream${name}`, note(name)]));
  const inner: UpstreamStream = {
    host: {} as Host,
    write: (chunk) => {
      told.push(`write ${chunk.length > 20 ? chunk.length : chunk}`);
      return takes;
    },
    end: note("end"),
    pause: note("pause"),
    cancel: note("cancel"),
  };
  const made = new TunnelGate(type, events as unknown as UpstreamEvents, () => inner);
  return { gate: made, told };
}

test("bytes wait, and go before anybody hears of the grant", () => {
  const { gate: g, told } = gate();
  expect([g.write(Buffer.from("a")), g.write(Buffer.from("b"))]).toEqual([true, true]);
  g.end();
  expect(told).toEqual([]);
  g.onUpstreamHeaders(GRANTED, false);
  g.write(Buffer.from("c"));
  expect(told).toEqual(["write a", "write b", "end", "Headers 101 false", "write c"]);
});

test("a client that sends a lot ahead is told to wait, and to go on", () => {
  const { gate: g, told } = gate();
  expect(g.write(Buffer.alloc(65_535))).toBe(true);
  expect(g.write(Buffer.alloc(1))).toBe(false);
  g.onUpstreamHeaders(GRANTED, false);
  expect(told).toEqual(["write 65535", "write \0", "Drain", "Headers 101 false"]);
});

test("not while the host itself has enough", () => {
  const { gate: g, told } = gate({ takes: false });
  g.write(Buffer.alloc(70_000));
  g.onUpstreamHeaders(GRANTED, false);
  expect(told).toEqual(["write 70000", "Headers 101 false"]);
});

test.each([
  ["another answer", "websocket", head("200"), false],
  ["101 without upgrade", "websocket", head("101"), false],
  ["a CONNECT refused", "connect", head("407"), false],
  ["an answer that is over", "connect", head("200"), true],
] as const)("%s: what was sent ahead is nobody's", (_, type, answer, end) => {
  const { gate: g, told } = gate({ type });
  g.write(Buffer.alloc(70_000));
  g.onUpstreamHeaders(answer, end);
  expect(g.write(Buffer.from("more"))).toBe(true);
  g.end();
  expect(told.filter((line) => /write|end/.test(line))).toEqual([]);
  expect(told.at(-1)).toBe(`Headers ${answer.get(":status")} ${end}`);
});

test("a CONNECT is granted by any 2xx", () => {
  const { gate: g, told } = gate({ type: "connect" });
  g.write(Buffer.from("a"));
  g.onUpstreamHeaders(head("299"), false);
  expect(told).toEqual(["write a", "Headers 299 false"]);
});
