import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { convertEdge } from "../../../host/config/convert/edge";
import { Edge } from "../../../host/proxy/downstream/edge/edge";
import { HeaderMap } from "../../../host/stores/header-map";
import { listener, virtualHost } from "./support/bootstrap";

/** Whatever a client says of itself; test/conformance/proxy/edge-mixed.test.ts compares with Envoy, here is what must hold. */
const ORDERS = [
  "x-envoy-max-retries",
  "x-envoy-retry-on",
  "x-envoy-upstream-rq-timeout-ms",
  "x-envoy-force-trace",
];
const NAMES = [
  ...ORDERS,
  ...["x-forwarded-for", "x-forwarded-proto", "x-request-id", "referer", "via", "x-envoy-internal", "x-a"],
];

const latin1 = fc.string({
  unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)),
  maxLength: 40,
});
const address = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  fc.constantFrom("", ",", " ", "[::1]", "fe80::1%lo", "1.2.3.4:5"),
);
const value = fc.oneof(
  latin1,
  fc.array(address, { maxLength: 5 }).map((list) => list.join(",")),
);
const lines = fc.array(fc.tuple(fc.constantFrom(...NAMES), value), { maxLength: 12 });
const request = fc.record({ path: latin1.map((rest) => `/${rest}`), host: latin1, lines });

const config = fc.record({
  use_remote_address: fc.boolean(),
  xff_num_trusted_hops: fc.constantFrom(0, 1, 3, 4_294_967_295),
  internal_address_config: fc.constantFrom(undefined, {}),
  normalize_path: fc.boolean(),
  merge_slashes: fc.boolean(),
  path_with_escaped_slashes_action: fc.constantFrom(
    "KEEP_UNCHANGED",
    "UNESCAPE_AND_FORWARD",
    "REJECT_REQUEST",
  ),
  strip_any_host_port: fc.boolean(),
  strip_trailing_host_dot: fc.boolean(),
  preserve_external_request_id: fc.boolean(),
});

class Facts {
  readonly connection = { remoteAddress: "127.0.0.1:4000", localPort: 80, tls: undefined };
  readonly protocol = "HTTP/1.1";
  remoteAddress = this.connection.remoteAddress;

  setRemoteAddress(text: string): void {
    this.remoteAddress = text;
  }
}

describe("The edge, whatever comes", () => {
  test("throws nothing, and lets nobody give orders who is not inside", () => {
    let inside = 0;
    fc.assert(
      fc.property(config, request, (raw, { path, host, lines }) => {
        const edge = new Edge(listener([virtualHost([])], { edge: convertEdge(raw as never, {}) }).http, {
          id: "n",
          cluster: "c",
        });
        const headers = HeaderMap.of("request", [
          [":authority", host],
          [":path", path],
          [":method", "GET"],
        ]);
        for (const [name, text] of lines) headers.add(name, text);
        const info = new Facts();
        if (edge.admit(headers, info as never)) return;
        edge.enter(headers, info as never);
        const internal = headers.get("x-envoy-internal");
        expect([undefined, "true"]).toContain(internal);
        if (raw.internal_address_config === undefined) expect(internal).toBeUndefined();
        if (internal !== undefined) inside++;
        else for (const name of ORDERS) expect(headers.has(name)).toBe(false);
        expect(["http", "https"]).toContain(headers.get(":scheme"));
        expect(headers.get("x-request-id")).toBeTruthy();
        expect(info.remoteAddress).toMatch(/^(\d+\.\d+\.\d+\.\d+|\[[0-9a-f:.]+\]):\d+$/);
      }),
      { numRuns: 3000, seed: 8_051 },
    );
    expect(inside).toBeGreaterThan(100);
  });

  test("a long run of blanks in x-forwarded-for costs no time", () => {
    const edge = new Edge(listener([virtualHost([])]).http, { id: "n", cluster: "c" });
    const headers = HeaderMap.of("request", [[":path", "/"]]);
    headers.add("x-forwarded-for", `1${" ".repeat(60_000)}x`);
    const began = performance.now();
    edge.enter(headers, new Facts() as never);
    // It was seconds.
    expect(performance.now() - began).toBeLessThan(500);
  });
});
