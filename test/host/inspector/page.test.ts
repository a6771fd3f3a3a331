import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bodyText, pairsText } from "../../../host/inspector/bytes-view";
import type { Pair, StreamSummary } from "../../../host/inspector/model";
import { diffPairs } from "../../../host/inspector/page/diff";
import { matches } from "../../../host/inspector/page/filter";
import { RecordedMessage } from "../../../host/inspector/recorded-message";
import { HeaderMap } from "../../../host/stores/header-map";

const pair = fc.tuple(fc.constantFrom("a", "b", "c"), fc.constantFrom("1", "2")) as fc.Arbitrary<Pair>;

describe("the inspector's page", () => {
  it("shows what a hook did to the headers, repeated lines included", () => {
    const before: Pair[] = [
      ["a", "1"],
      ["b", "1"],
      ["b", "2"],
    ];
    const after: Pair[] = [
      ["a", "1"],
      ["b", "2"],
      ["b", "2"],
      ["c", "3"],
    ];
    expect(
      diffPairs(before, after).map(({ kind, pair: [name, value] }) => `${kind} ${name}=${value}`),
    ).toEqual(["same a=1", "removed b=1", "same b=2", "added b=2", "added c=3"]);
  });

  it("diffs any two lists so that one can be had from the other", () => {
    fc.assert(
      fc.property(fc.array(pair), fc.array(pair), (before, after) => {
        const lines = diffPairs(before, after);
        const sorted = (list: readonly Pair[]) => list.map(String).sort();
        const of = (...kinds: string[]) =>
          sorted(lines.filter((l) => kinds.includes(l.kind)).map((l) => l.pair));
        expect(of("same", "removed")).toEqual(sorted(before));
        expect(of("same", "added")).toEqual(sorted(after));
      }),
    );
  });

  it("filters by text and outcome", () => {
    const stream: StreamSummary = {
      id: 1,
      listener: "l",
      began: 0,
      state: "done",
      method: "GET",
      authority: "a.example",
      path: "/Shop?x=1",
      status: 503,
      decision: { filter: "fault", status: 503, details: "d" },
    };
    const shown = (text: string, status = "all") => matches(stream, { text, status });
    expect([shown("shop"), shown("a.example/shop"), shown("503"), shown("/cart")]).toEqual([
      true,
      true,
      true,
      false,
    ]);
    expect([
      shown("", "5xx"),
      shown("", "2xx"),
      shown("", "answered"),
      shown("", "open"),
      shown("", "trapped"),
    ]).toEqual([true, false, true, false, false]);
  });
});

describe("what the inspector keeps", () => {
  it("shows bytes as text where they are text, and says what it cut", () => {
    expect(bodyText(Buffer.from("café"))).toEqual({ bytes: 5, text: "café" });
    expect(bodyText(Buffer.from([0xff, 0x41]))).toEqual({ bytes: 2, text: "\\xffA", binary: true });
    const cut = bodyText(Buffer.from("caf\u00e9").subarray(0, 4), 5);
    expect([cut.cut, cut.binary, cut.bytes]).toEqual([true, undefined, 5]);
  });

  it("masks secrets, and escapes what is no UTF-8", () => {
    const pairs: Pair[] = [
      ["authorization", "Bearer x"],
      ["x-a", "\xff"],
      ["x-b", "caf\xc3\xa9"],
    ];
    expect(pairsText(pairs, (name) => name === "authorization")).toEqual([
      ["authorization", "<8 bytes masked>"],
      ["x-a", "\\xff"],
      ["x-b", "café"],
    ]);
  });

  it("keeps a body up to a limit, and knows when it is not whole", () => {
    const message = new RecordedMessage();
    message.begin(HeaderMap.of("request", [[":method", "POST"]]), false);
    message.append(Buffer.alloc(60_000, "a"), false);
    expect(message.body?.length).toBe(60_000);
    message.append(Buffer.alloc(60_000, "b"), true);
    expect([message.body, message.bytes, message.ended]).toEqual([undefined, 120_000, true]);
    expect(message.view(() => false).body).toMatchObject({ bytes: 120_000, cut: true });
  });
});
