import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { buildModule } from "../../host/build/index";
import { encodePairs, FakeHost } from "./support/fake-host";

const entry = (name: string) => new URL(`guests/${name}.ts`, import.meta.url).pathname;

describe("text and bytes", () => {
  let host: FakeHost;
  beforeAll(async () => {
    host = await FakeHost.load((await buildModule({ entry: entry("echo") })).wasm);
    expect(host.call("proxy_on_vm_start", 1, 0)).toBe(1);
  });

  function echo(value: Uint8Array): (name: string) => Buffer | undefined {
    host.maps[0] = [];
    host.body = Buffer.from(value);
    host.call("proxy_on_request_body", 2, value.length, 1);
    return (name) => (name === "out" ? host.body : host.get(0, name));
  }

  test("any bytes come out of a string as they went in", () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.string({ unit: "binary", maxLength: 40 }).map((text) => new TextEncoder().encode(text)),
      // Pieces of well-formed and broken UTF-8 side by side.
      fc
        .array(
          fc.constantFrom(
            "\xc3\xa9",
            "\xe2\x82\xac",
            "\xf0\x9f\x98\x80",
            "\xed\xa0\x80",
            "\xc0\xaf",
            "\xf4\x90",
            "\xe2\x82",
            "a",
          ),
        )
        .map((parts) => Buffer.from(parts.join(""), "latin1")),
      fc.uint8Array({ minLength: 1000, maxLength: 3000 }),
    );
    fc.assert(
      fc.property(bytes, (value) => {
        expect(echo(value)("out")).toEqual(Buffer.from(value));
      }),
    );
  });

  test("UTF-8 is read as Unicode, anything else as one lone surrogate a byte", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 1, maxLength: 30 }), (text) => {
        const units = Array.from({ length: text.length }, (_, i) => text.charCodeAt(i).toString(16));
        expect(echo(Buffer.from(text))("codes")?.toString()).toBe(units.join(" "));
      }),
    );
    expect(echo(Buffer.from("a\xffb\xc3", "latin1"))("codes")?.toString()).toBe("61 dcff 62 dcc3");
    expect(echo(Buffer.from("\xed\xa0\x80", "latin1"))("codes")?.toString()).toBe("dced dca0 dc80");
    expect(echo(Buffer.from("\xf4\x90\x80\x80\xc0\x80", "latin1"))("units")?.toString()).toBe("6");
  });

  test("pairs survive decoding and encoding", () => {
    const part = fc
      .uint8Array({ maxLength: 20 })
      .map((bytes) => Buffer.from(bytes.filter((b) => b !== 0 && b !== 10 && b !== 13)));
    fc.assert(
      fc.property(fc.array(fc.tuple(part, part), { maxLength: 60 }), (pairs) => {
        host.maps[1] = pairs;
        host.maps[3] = [];
        host.call("proxy_on_request_trailers", 2, pairs.length);
        expect(host.maps[3]).toEqual(pairs);
      }),
    );
  });

  test("a damaged block of pairs reads as empty and never traps", () => {
    const whole = encodePairs([
      [Buffer.from("a"), Buffer.from("1")],
      [Buffer.from("bb"), Buffer.from("22")],
    ]);
    const damaged = fc.oneof(
      fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
      fc.nat(whole.length - 1).map((size) => whole.subarray(0, size)),
      fc
        .tuple(fc.constantFrom(0, 4, 8, 12, 16), fc.integer({ min: 3, max: 0xffffffff }))
        .map(([at, value]) => {
          const block = Buffer.from(whole);
          block.writeUInt32LE(value, at);
          return block;
        }),
    );
    fc.assert(
      fc.property(damaged, (block) => {
        host.maps[3] = [];
        host.rawPairs = block;
        host.call("proxy_on_request_trailers", 2, 0);
        host.rawPairs = undefined;
        if (block.length < 4 || block.readUInt32LE() > 8) expect(host.maps[3]).toEqual([]);
      }),
    );
  });
});

describe("memory", () => {
  test("stays flat over many streams, with and without others left open", async () => {
    const host = await FakeHost.load((await buildModule({ entry: entry("garbage") })).wasm);
    host.call("proxy_on_vm_start", 1, 0);
    let id = 2;
    const stream = (end: boolean) => {
      const mine = id++;
      host.maps[0] = [[Buffer.from("in"), Buffer.from("0123456789")]];
      host.call("proxy_on_context_create", mine, 1);
      host.call("proxy_on_request_headers", mine, 1, 0);
      host.body = Buffer.alloc(4000);
      host.call("proxy_on_request_body", mine, 4000, 1);
      if (end) {
        expect(host.get(0, "kept")?.toString()).toBe("200");
        host.call("proxy_on_delete", mine);
      }
      return mine;
    };
    for (let i = 0; i < 5_000; i++) stream(true);
    const after = host.memory.length;
    for (let i = 0; i < 20_000; i++) stream(true);
    expect(host.memory.length).toBe(after);

    const open = Array.from({ length: 2_000 }, () => stream(false));
    for (let i = 0; i < 2_000; i++) stream(true);
    const full = host.memory.length;
    for (let i = 0; i < 20_000; i++) stream(true);
    expect(host.memory.length).toBe(full);
    // What the open streams keep is still theirs.
    for (const mine of open) {
      host.maps[0] = [];
      host.call("proxy_on_request_body", mine, 4000, 1);
      expect(host.get(0, "kept")?.toString()).toBe("200");
    }
  });
});
