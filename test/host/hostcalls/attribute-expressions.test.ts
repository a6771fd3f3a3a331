import { describe, expect, test } from "vitest";
import { compile } from "../../../host/hostcalls/foreign/cel";
import { encodeCel } from "../../../host/hostcalls/foreign/cel-values";
import { FilterState } from "../../../host/stores/filter-state";
import { HeaderMap } from "../../../host/stores/header-map";
import type { PropertyScope } from "../../../host/stores/properties";
import { type StreamInfo, unknownUpstream } from "../../../host/stores/stream-info";

/** What a stream shows; `code` and times may not be there yet. */
function scope(more: Partial<StreamInfo>, headers: [string, string][]): PropertyScope {
  const filterState = new FilterState(new FilterState());
  const info = {
    connection: {
      id: 1,
      localAddress: "127.0.0.1:1",
      remoteAddress: "127.0.0.1:2",
      tls: undefined,
      filterState,
    },
    listener: { direction: 1, metadata: undefined, filterChainName: "" },
    protocol: "HTTP/1.1",
    startTime: 1_000_000_001n,
    startMonotonic: 5n,
    responseFlags: 0,
    bytesReceived: 3,
    bytesSent: 4,
    upstream: unknownUpstream(),
    route: () => ({ virtualHostName: "v", clusterName: "c" }),
    filterState,
    ...more,
  } as unknown as StreamInfo;
  const requestHeaders = HeaderMap.of("request", headers);
  const plugin = { name: "p", rootId: "r", vmId: "v", node: { id: "n" } };
  return {
    plugin,
    stream: { info, requestHeaders, responseHeaders: undefined, responseTrailers: undefined },
  };
}

const SCOPES: Record<string, PropertyScope> = {
  "a complete stream": scope({ endMonotonic: 3_000_000_007n, responseCode: 200 }, [
    [":authority", "a.example"],
    [":path", "/x?y"],
    ["x-a", "1"],
  ]),
  "one that has just begun": scope({}, [[":path", "/\xc3\xa4"]]),
  "one of bytes that are no text": scope({ responseCode: 200 }, [[":authority", "\xff"]]),
  "no stream": { plugin: { name: "p", rootId: "", vmId: "", node: {} }, stream: undefined },
};

const LOOKS = [
  "'text'",
  "'\u00e4'",
  "[]",
  "request.host",
  "request.path",
  "request.headers",
  "request.time",
  "request.duration",
  "response.code",
  "connection.mtls",
  "node.id",
  "nothing",
  "nothing.at.all",
  "request.nothing",
  "request.path.length",
  "request.headers['x-a']",
  "has(request.host) ? request.host : 'none'",
  "has(request.headers.nothing) ? 'a' : request.size",
  "has(connection.tls_version) ? [connection.tls_version] : []",
  "has(request.path.x) ? 'a' : 'b'",
  "[response.code, response.flags, has(xds.cluster_name) ? xds.cluster_name : '', request.duration, request.total_size]",
];

/** What came of it; errors are all alike to a filter. */
function tried(run: () => Buffer | undefined): Buffer | string | undefined {
  try {
    return run();
  } catch {
    return "failed";
  }
}

describe.each(Object.entries(SCOPES))("%s", (_, given) => {
  test.each(LOOKS)("%s reads the same with and without an evaluator", (text) => {
    const { evaluate, look } = compile(text);
    const looked = look?.(given);
    if (looked) expect(looked).toEqual(tried(() => encodeCel(evaluate(given))));
  });
});

test("most of these need none", () => {
  const without = LOOKS.filter((text) => compile(text).look?.(SCOPES["a complete stream"]!));
  expect(without).toEqual(
    expect.arrayContaining([
      "'text'",
      "[]",
      "request.host",
      "request.duration",
      "connection.mtls",
      LOOKS.at(-1),
    ]),
  );
});

test.each(["1 + 2", "request.host == 'a'", "{'a': 1}", "request.path.startsWith('/')", "true ? 'a' : 'b'"])(
  "%s needs one",
  (text) => {
    expect(compile(text).look).toBeUndefined();
  },
);
