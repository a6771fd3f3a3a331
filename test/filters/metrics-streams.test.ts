import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { TestHost } from "../../host/testing/index";
import { withFilter } from "./support/filter";

const GRPC = { "content-type": "application/grpc" };
const REQUESTS = "istio_request_messages_total";
const RESPONSES = "istio_response_messages_total";

/** A gRPC message on the wire. */
function frame(size: number): Buffer {
  const bytes = Buffer.alloc(5 + size, 7);
  bytes[0] = size % 2;
  bytes.writeUInt32BE(size, 1);
  return bytes;
}

const start = (more: object = {}): Promise<TestHost> =>
  withFilter("metrics", { reporter: "destination", ...more }, { trace: false });

describe("metrics: messages of gRPC calls", () => {
  test("both ways, with the labels that do not tell how the call went", async () => {
    const host = await start();
    const exchange = host.request({
      method: "POST",
      authority: "a",
      headers: GRPC,
      body: [frame(3), frame(0)],
    });
    exchange.respond({
      headers: GRPC,
      body: [frame(1), frame(2), frame(3)],
      trailers: { "grpc-status": "0" },
    });
    expect(host.metric(REQUESTS)).toBe(2);
    expect(host.metric(RESPONSES)).toBe(3);
    const labels = host.metrics.find(({ name }) => name === REQUESTS)!.labels;
    expect(labels).toMatchObject({ reporter: "destination", destination_service: "a" });
    expect(Object.keys(labels)).toHaveLength(20);
  });

  test("in whatever pieces they come", () => {
    const pieces = fc.record({
      sizes: fc.array(fc.oneof(fc.nat(3), fc.nat(3000)), { maxLength: 40 }),
      cuts: fc.array(fc.nat(40_000), { maxLength: 20 }),
    });
    return fc.assert(
      fc.asyncProperty(pieces, async ({ sizes, cuts }) => {
        const host = await start();
        const all = Buffer.concat(sizes.map(frame));
        const places = [0, ...cuts.map((cut) => cut % (all.length + 1)), all.length].toSorted(
          (a, b) => a - b,
        );
        const body = places.slice(1).map((end, i) => all.subarray(places[i], end));
        host.request({ method: "POST", headers: GRPC, body }).respond({ headers: GRPC, body });
        expect([host.metric(REQUESTS), host.metric(RESPONSES)]).toEqual([sizes.length, sizes.length]);
        host.close();
      }),
      { numRuns: 60 },
    );
  });

  test("whatever the bytes are, nothing traps", async () => {
    const host = await start();
    const body = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 });
    fc.assert(
      fc.property(body, (chunks) => {
        const exchange = host.request({
          method: "POST",
          headers: GRPC,
          body: chunks.map((chunk) => Buffer.from(chunk)),
        });
        exchange.respond({ headers: GRPC, body: chunks.map((chunk) => Buffer.from(chunk)) });
      }),
      { numRuns: 1000 },
    );
  });

  test("every five seconds on a call that goes on, and the rest at its end; no timer without calls", async () => {
    const host = await withFilter("metrics", { reporter: "destination" });
    const exchange = host.request({ method: "POST", headers: GRPC, open: true });
    exchange.sendBody(Buffer.concat([frame(1), frame(2)]));
    host.advance(4999);
    expect(host.metric(REQUESTS)).toBe(0);
    host.advance(1);
    expect(host.metric(REQUESTS)).toBe(2);
    exchange.sendBody(frame(1), { end: true });
    exchange.respond({ headers: GRPC, body: frame(1) });
    expect([host.metric(REQUESTS), host.metric(RESPONSES)]).toEqual([3, 1]);
    host.trace.length = 0;
    host.advance(60_000);
    expect(host.trace).toEqual([]);
  });

  test("a client that leaves is counted for what it sent; plain requests have no messages", async () => {
    const host = await start();
    const exchange = host.request({ method: "POST", headers: GRPC, open: true });
    exchange.sendBody(frame(1));
    exchange.disconnect();
    expect(host.metric(REQUESTS)).toBe(1);
    host.request({ method: "POST", body: frame(1) }).respond({ body: frame(1) });
    expect([host.metric(REQUESTS), host.metric(RESPONSES)]).toEqual([1, 0]);
  });

  test("many calls at a time", async () => {
    const host = await start();
    const open = Array.from({ length: 50 }, () =>
      host.request({ method: "POST", headers: GRPC, open: true }),
    );
    for (const [i, exchange] of open.entries()) {
      exchange.sendBody(frame(1));
      if (i % 3 === 0) exchange.disconnect();
    }
    host.advance(5000);
    expect(host.metric(REQUESTS)).toBe(50);
    for (const exchange of open) if (!exchange.over) exchange.disconnect();
    expect(host.metric(REQUESTS)).toBe(50);
  });
});

describe("metrics: TCP", () => {
  const of = (host: TestHost) =>
    ["connections_opened", "connections_closed", "sent_bytes", "received_bytes"].map((name) =>
      host.metric(`istio_tcp_${name}_total`),
    );

  test("opened, closed, sent, received", async () => {
    const host = await start();
    for (let i = 0; i < 10; i++) {
      const connection = host.connect();
      connection.send("x".repeat(60));
      connection.respond("y".repeat(120));
      connection.disconnect();
    }
    expect(of(host)).toEqual([10, 10, 1200, 600]);
    const labels = host.metrics.find(({ name }) => name === "istio_tcp_sent_bytes_total")!.labels;
    expect(labels).toMatchObject({
      reporter: "destination",
      request_protocol: "tcp",
      response_flags: "-",
      connection_security_policy: "none",
      destination_service: "",
    });
    expect(Object.keys(labels)).toHaveLength(23);
  });

  test("a connection that stays is counted at its first bytes, and reports every five seconds", async () => {
    const host = await start();
    const connection = host.connect();
    expect(of(host)).toEqual([0, 0, 0, 0]);
    connection.send("abc");
    expect(of(host)).toEqual([1, 0, 0, 0]);
    host.advance(5000);
    expect(of(host)).toEqual([1, 0, 0, 3]);
    connection.respond("hello");
    host.advance(4000);
    expect(of(host)).toEqual([1, 0, 0, 3]);
    connection.disconnect();
    expect(of(host)).toEqual([1, 1, 5, 3]);
  });

  test("one that is silent is counted with the first report, at the interval that is configured", async () => {
    const host = await start({ metrics: [{ reportingInterval: "0.1s" }] });
    const connection = host.connect();
    host.advance(99);
    expect(of(host)).toEqual([0, 0, 0, 0]);
    host.advance(1);
    expect(of(host)).toEqual([1, 0, 0, 0]);
    connection.disconnect();
    expect(of(host)).toEqual([1, 1, 0, 0]);
    expect(host.metrics.filter(({ name }) => name.includes("tcp"))).toHaveLength(4);
  });

  test("mutual TLS, and a source's view", async () => {
    const tls = {
      version: "TLSv1.3",
      mtls: true,
      peerCertificateValid: true,
      uriSanPeer: "spiffe://td/ns/users/sa/web",
      uriSanLocal: "spiffe://td/ns/shop/sa/cart",
    };
    const host = await start();
    const connection = host.connect({ connection: { tls } });
    connection.send("x");
    connection.disconnect();
    expect(host.metrics.find(({ name }) => name.includes("_tcp_"))!.labels).toMatchObject({
      connection_security_policy: "mutual_tls",
      source_workload_namespace: "users",
      source_principal: tls.uriSanPeer,
      destination_principal: tls.uriSanLocal,
    });
  });

  test("dynamic tags are read with the first bytes; dropped metrics are not there", async () => {
    const overrides = [
      { tagOverrides: { from_port: { value: "source.port" } } },
      { match: { metric: "TCP_SENT_BYTES" }, disabled: true },
    ];
    const host = await start({ metrics: [{ overrides }] });
    const connection = host.connect({ connection: { remoteAddress: "10.0.0.1:4711", remotePort: 4711 } });
    connection.send("x");
    connection.disconnect();
    expect(host.metric("istio_tcp_received_bytes_total", { from_port: "4711" })).toBe(1);
    expect(host.metrics.filter(({ name }) => name === "istio_tcp_sent_bytes_total")).toEqual([]);
  });
});

describe("metrics: what apps count themselves", () => {
  const at = (host: TestHost, name: string, labels: Record<string, string> = {}) => host.metric(name, labels);

  test("requests, a histogram of seconds, errors of the app", async () => {
    const host = await start({ appMetrics: true });
    const ask = (ms: number, status: number, method = "GET") => {
      const exchange = host.request({ method });
      host.advance(ms);
      exchange.info.responseCodeDetails = "via_upstream";
      exchange.respond({ status });
    };
    ask(3, 200);
    ask(30, 200);
    ask(700, 200);
    ask(700, 500);
    ask(20_000, 200, "BREW");
    host.request().failUpstream();
    const ok = { method: "GET", status_code: "200" };
    expect(at(host, "http_requests_total", ok)).toBe(3);
    expect(at(host, "http_requests_total", { method: "other" })).toBe(1);
    const bucket = (le: string) => at(host, "http_request_duration_seconds_bucket", { ...ok, le });
    expect(["0.005", "0.01", "0.025", "0.05", "0.5", "1", "10", "+Inf"].map(bucket)).toEqual([
      1, 1, 1, 2, 2, 3, 3, 3,
    ]);
    expect(at(host, "http_request_duration_seconds_count", ok)).toBe(3);
    // 0.733 s is not a whole second yet.
    expect(at(host, "http_request_duration_seconds_sum", ok)).toBe(0);
    expect(at(host, "http_request_duration_seconds_sum", { method: "other" })).toBe(20);
    // The 503 is the proxy's own.
    expect(at(host, "application_errors_total")).toBe(1);
  });

  test("not without being asked", async () => {
    const host = await start();
    host.request().respond();
    expect(host.metrics.filter(({ name }) => !name.startsWith("istio_"))).toEqual([]);
  });
});
