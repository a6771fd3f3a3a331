import type { Plugin } from "../../host/plugin/plugin";
import { HeaderMap } from "../../host/stores/header-map";
import type { FilterCallbacks, HeldBody, StreamEnds } from "../../host/stream/filter";
import { FilterChain } from "../../host/stream/filter-chain";
import { RecordingEnds } from "../../test/host/support/fake-ends";
import { InMemoryHost } from "../../test/host/support/in-memory";
import type { Subject } from "../support/rounds";

const REQUEST: [string, string][] = [
  [":authority", "example.com"],
  [":path", "/hello?a=1"],
  [":method", "GET"],
  [":scheme", "http"],
  ["user-agent", "Mozilla/5.0 (X11; Linux x86_64)"],
  ["accept", "*/*"],
  ["x-forwarded-proto", "http"],
  ["x-request-id", "6f1f5d4e-2a3a-4e6f-8a51-97a1b1c0d6c1"],
];
const RESPONSE: [string, string][] = [
  [":status", "200"],
  ["content-type", "text/plain"],
  ["content-length", "5"],
  ["date", "Wed, 25 Nov 2026 10:00:00 GMT"],
  ["x-envoy-upstream-service-time", "1"],
];

/** Fresh header maps for each stream, made while the clock stands. */
class Messages {
  private requests: HeaderMap[] = [];
  private responses: HeaderMap[] = [];

  prepare(count: number): void {
    this.requests = Array.from({ length: count }, () => HeaderMap.of("request", REQUEST));
    this.responses = Array.from({ length: count }, () => HeaderMap.of("response", RESPONSE));
  }
  request = (i: number) => this.requests[i]!;
  response = (i: number) => this.responses[i]!;
}

export function load(wasm: Uint8Array): Promise<Plugin> {
  return new InMemoryHost().load(wasm);
}

const noBody = {} as HeldBody;
const callbacks: FilterCallbacks = {
  info: new RecordingEnds().info,
  continueDecoding() {},
  continueEncoding() {},
  answer() {},
  sendLocalReply() {},
  resetStream() {},
  clearRouteCache() {},
  requestBody: noBody,
  responseBody: noBody,
  addRequestTrailers: () => new HeaderMap("request-trailers"),
  addResponseTrailers: () => new HeaderMap("response-trailers"),
};

/** One plugin's share of a stream: its stream context from creation to deletion. */
export function hosted(name: string, plugin: Plugin): Subject {
  const messages = new Messages();
  return {
    name,
    prepare: (count) => messages.prepare(count),
    run(count) {
      for (let i = 0; i < count; i++) {
        const filter = plugin.factory.create(callbacks)!;
        filter.decodeHeaders(messages.request(i), true);
        filter.encodeHeaders(messages.response(i), false);
        filter.onLog();
        filter.onDestroy();
      }
    },
  };
}

const ends: StreamEnds = {
  info: new RecordingEnds().info,
  forwardRequestHeaders() {},
  forwardRequestData() {},
  forwardRequestTrailers() {},
  sendResponseHeaders() {},
  sendResponseData() {},
  sendResponseTrailers() {},
  decorateLocalReply() {},
  cancelUpstream() {},
  resetStream() {},
  clearRouteCache() {},
  pauseRequest() {},
  pauseResponse() {},
};

/** The same stream through a whole filter chain. */
export function chained(name: string, plugins: readonly Plugin[]): Subject {
  const messages = new Messages();
  const factories = plugins.map(({ factory }) => factory);
  return {
    name,
    prepare: (count) => messages.prepare(count),
    run(count) {
      for (let i = 0; i < count; i++) {
        const chain = new FilterChain(factories, ends, { requestBufferLimit: 1e6, responseBufferLimit: 1e6 });
        chain.requestHeaders(messages.request(i), true);
        chain.responseHeaders(messages.response(i), false);
        chain.finish();
      }
    },
  };
}
