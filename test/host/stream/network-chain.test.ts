import { describe, expect, test } from "vitest";
import type { StreamInfo } from "../../../host/stores/stream-info";
import type { BodyBuffer } from "../../../host/stream/body-buffer";
import { NetworkChain } from "../../../host/stream/network-chain";
import {
  type NetworkEnds,
  type NetworkFilter,
  type NetworkFilterCallbacks,
  type NetworkFilterFactory,
  NetworkStatus,
} from "../../../host/stream/network-filter";
import { overLimit, readStep } from "../../../host/stream/network-flow";
import { PeerType } from "../../../sdk/abi/peer-type";

describe("readStep", () => {
  for (const shown of [false, true])
    for (const length of [0, 1])
      for (const end of [false, true]) {
        test(`a filter that was not told of the connection is, whatever there is (${shown}, ${length}, ${end})`, () => {
          expect(readStep({ connected: false, shown, length, end })).toBe("connect");
        });
        test(`data is shown once when there is any, or the end (${shown}, ${length}, ${end})`, () => {
          const due = !shown && (length > 0 || end);
          expect(readStep({ connected: true, shown, length, end })).toBe(due ? "data" : "pass");
        });
      }
});

test.each([
  [false, 100, 100, false],
  [false, 101, 100, true],
  [true, 101, 100, true],
  [true, 51, 100, true],
  [true, 50, 100, false],
  [false, 1e9, 0, false],
])("overLimit(%s, %d, %d) = %s", (before, length, limit, expected) => {
  expect(overLimit(before, length, limit)).toBe(expected);
});

/** A chain with scripted answers, and the story of what happened. */
class Story {
  readonly lines: string[] = [];
  /** Hooks that stop, as `filter hook`. */
  readonly stops = new Set<string>();
  readonly callbacks = new Map<string, NetworkFilterCallbacks>();
  readonly chain: NetworkChain;

  constructor(names: readonly string[], left: readonly string[] = []) {
    const ends: NetworkEnds = {
      info: {} as StreamInfo,
      connect: () => this.lines.push("connect"),
      toUpstream: (data, end) => this.lines.push(`up ${data}${end ? " end" : ""}`),
      toDownstream: (data, end) => this.lines.push(`down ${data}${end ? " end" : ""}`),
      closeDownstream: () => this.lines.push("close"),
      holding: (downstream, upstream) => this.lines.push(`holding ${downstream} ${upstream}`),
    };
    this.chain = new NetworkChain(
      names.map((name) => this.factory(name, left)),
      ends,
    );
  }

  private factory(name: string, left: readonly string[]): NetworkFilterFactory {
    const answer = (hook: string, shown = "") => {
      this.lines.push(`${name} ${hook}${shown}`);
      return this.stops.has(`${name} ${hook}`) ? NetworkStatus.StopIteration : NetworkStatus.Continue;
    };
    const show = (data: BodyBuffer, end: boolean) => ` ${data.bytes()}${end ? " end" : ""}`;
    const filter: NetworkFilter = {
      onNewConnection: () => answer("new"),
      onDownstreamData: (data, end) => answer("read", show(data, end)),
      onUpstreamData: (data, end) => answer("write", show(data, end)),
      onClose: (peer) => this.lines.push(`${name} close ${PeerType[peer]}`),
    };
    return {
      name,
      createNetwork: (callbacks) => {
        this.callbacks.set(name, callbacks);
        return left.includes(name) ? undefined : filter;
      },
    };
  }

  /** What happened since the last look, without reports of held bytes. */
  take(): string[] {
    return this.lines.splice(0).filter((line) => !line.startsWith("holding"));
  }
}

describe("NetworkChain", () => {
  test("without filters bytes pass through", () => {
    const s = new Story([]);
    s.chain.start();
    s.chain.downstreamData(Buffer.from("a"), false);
    s.chain.upstreamData(Buffer.from("b"), true);
    expect(s.take()).toEqual(["connect", "up a", "down b end"]);
  });

  test("reads go forward, writes backward, the close forward", () => {
    const s = new Story(["1", "2"]);
    s.chain.start();
    s.chain.downstreamData(Buffer.from("a"), false);
    s.chain.upstreamData(Buffer.from("b"), false);
    s.chain.close(PeerType.Remote);
    expect(s.take()).toEqual([
      "1 new",
      "2 new",
      "connect",
      "1 read a",
      "2 read a",
      "up a",
      "2 write b",
      "1 write b",
      "down b",
      "1 close Remote",
      "2 close Remote",
    ]);
  });

  test("a connection held by the first filter goes on behind it", () => {
    const s = new Story(["1", "2"]);
    s.stops.add("1 new");
    s.chain.start();
    expect(s.take()).toEqual(["1 new"]);
    s.callbacks.get("1")!.continueReading();
    expect(s.take()).toEqual(["2 new", "connect"]);
  });

  test("bytes a later filter stopped at are shown again from the start", () => {
    const s = new Story(["1", "2"]);
    s.chain.start();
    s.stops.add("2 read");
    s.chain.downstreamData(Buffer.from("a"), false);
    s.stops.clear();
    s.chain.downstreamData(Buffer.from("b"), true);
    expect(s.take().slice(3)).toEqual([
      "1 read a",
      "2 read a",
      "1 read ab end",
      "2 read ab end",
      "up ab end",
    ]);
  });

  test("continue forwards what is held, once", () => {
    const s = new Story(["1"]);
    s.chain.start();
    s.stops.add("1 read");
    s.chain.downstreamData(Buffer.from("a"), false);
    s.callbacks.get("1")!.continueReading();
    s.callbacks.get("1")!.continueReading();
    expect(s.take().slice(2)).toEqual(["1 read a", "up a"]);
  });

  test("what is held of each side is reported", () => {
    const s = new Story(["1"]);
    s.chain.start();
    s.stops.add("1 read").add("1 write");
    s.chain.downstreamData(Buffer.alloc(3), false);
    s.chain.upstreamData(Buffer.alloc(5), false);
    s.callbacks.get("1")!.continueReading();
    expect(s.lines.filter((line) => line.startsWith("holding"))).toEqual([
      "holding 0 0",
      "holding 3 0",
      "holding 3 5",
      "holding 0 5",
    ]);
  });

  test("after a seal, or a close, no hook runs", () => {
    const s = new Story(["1"]);
    s.chain.start();
    s.chain.seal();
    s.take();
    s.chain.downstreamData(Buffer.from("a"), true);
    s.chain.upstreamData(Buffer.from("a"), true);
    s.callbacks.get("1")!.continueReading();
    s.callbacks.get("1")!.close();
    expect(s.take()).toEqual([]);
  });

  test("a factory may leave its filter out; continue still goes on behind the right one", () => {
    const s = new Story(["1", "gone", "2"], ["gone"]);
    s.stops.add("2 new");
    s.chain.start();
    expect(s.take()).toEqual(["1 new", "2 new"]);
    s.callbacks.get("2")!.continueReading();
    expect(s.take()).toEqual(["connect"]);
  });
});
