import { describe, expect, test } from "vitest";
import { HeaderMap } from "../../../host/stores/header-map";
import {
  type BodyChunk,
  DataStatus,
  type FilterCallbacks,
  type FilterFactory,
  HeadersStatus,
  type StreamFilter,
  TrailersStatus,
} from "../../../host/stream/filter";
import { FilterChain } from "../../../host/stream/filter-chain";
import { RecordingEnds } from "../support/fake-ends";

/** A filter that answers as told and writes down what it saw. */
class Scripted implements StreamFilter {
  callbacks!: FilterCallbacks;
  readonly seen: string[] = [];
  headers = HeadersStatus.Continue;
  data: DataStatus[] = [];
  trailers = TrailersStatus.Continue;
  encode = HeadersStatus.Continue;
  encodedData: DataStatus[] = [];
  onHeaders: (() => void) | undefined;

  factory(): FilterFactory {
    return {
      name: "scripted",
      create: (callbacks) => {
        this.callbacks = callbacks;
        return this;
      },
    };
  }
  decodeHeaders(_map: HeaderMap, end: boolean): HeadersStatus {
    this.seen.push(`headers${end ? " end" : ""}`);
    this.onHeaders?.();
    return this.headers;
  }
  decodeData(chunk: BodyChunk, end: boolean): DataStatus {
    this.seen.push(`data ${chunk.data.toString()}${end ? " end" : ""}`);
    return this.data.shift() ?? DataStatus.Continue;
  }
  decodeTrailers(): TrailersStatus {
    this.seen.push("trailers");
    return this.trailers;
  }
  encodeHeaders(map: HeaderMap, end: boolean): HeadersStatus {
    this.seen.push(`response ${map.get(":status")}${end ? " end" : ""}`);
    return this.encode;
  }
  encodeData(chunk: BodyChunk, end: boolean): DataStatus {
    this.seen.push(`response data ${chunk.data.toString()}${end ? " end" : ""}`);
    return this.encodedData.shift() ?? DataStatus.Continue;
  }
  encodeTrailers(): TrailersStatus {
    return TrailersStatus.Continue;
  }
  onLog(): void {
    this.seen.push("log");
  }
  onDestroy(): void {
    this.seen.push("destroy");
  }
}

function setUp(count = 1, limit = 100) {
  const filters = Array.from({ length: count }, () => new Scripted());
  const ends = new RecordingEnds();
  const chain = new FilterChain(
    filters.map((f) => f.factory()),
    ends,
    { requestBufferLimit: limit, responseBufferLimit: limit },
  );
  return { chain, ends, filters, filter: filters[0]! };
}

const request = () => HeaderMap.of("request", [[":method", "POST"]]);
const response = () => HeaderMap.of("response", [[":status", "200"]]);
const bytes = (text: string) => Buffer.from(text);

describe("filter chain", () => {
  test("a headers-only message ends with its headers and brings no body callback", () => {
    const { chain, ends, filter } = setUp();
    chain.requestHeaders(request(), true);
    expect(filter.seen).toEqual(["headers end"]);
    expect(ends.events).toEqual(["request headers end"]);
  });

  test("stop at headers: nothing more is shown until continue, then the body arrives as one chunk", () => {
    const { chain, ends, filter } = setUp();
    filter.headers = HeadersStatus.StopAllIterationAndWatermark;
    chain.requestHeaders(request(), false);
    chain.requestData(bytes("ab"), false);
    chain.requestData(bytes("cd"), true);
    expect(filter.seen).toEqual(["headers"]);
    expect(ends.events).toEqual([]);
    filter.callbacks.continueDecoding();
    expect(filter.seen).toEqual(["headers", "data abcd end"]);
    expect(ends.events).toEqual(["request headers", 'request data "abcd" end']);
  });

  test("stop at headers of a headers-only request: continue passes the end on", () => {
    const { chain, ends, filter } = setUp();
    filter.headers = HeadersStatus.StopAllIterationAndWatermark;
    chain.requestHeaders(request(), true);
    filter.callbacks.continueDecoding();
    expect(ends.events).toEqual(["request headers end"]);
  });

  test("continue while nothing is paused does nothing", () => {
    const { chain, ends, filter } = setUp();
    chain.requestHeaders(request(), true);
    filter.callbacks.continueDecoding();
    expect(ends.events).toEqual(["request headers end"]);
  });

  test("continue inside the hook that pauses: headers slip through, the body stays", () => {
    const { chain, ends, filter } = setUp();
    filter.headers = HeadersStatus.StopAllIterationAndWatermark;
    filter.onHeaders = () => filter.callbacks.continueDecoding();
    chain.requestHeaders(request(), false);
    chain.requestData(bytes("x"), true);
    expect(ends.events).toEqual(["request headers"]);
  });

  test("buffered body chunks leave together once the filter lets go", () => {
    const { chain, ends, filter } = setUp();
    filter.data = [DataStatus.StopIterationAndBuffer, DataStatus.Continue];
    chain.requestHeaders(request(), false);
    chain.requestData(bytes("ab"), false);
    expect(filter.callbacks.requestBody.bytes().toString()).toBe("ab");
    chain.requestData(bytes("cd"), true);
    expect(ends.events).toEqual(["request headers", 'request data "abcd" end']);
  });

  test("StopIterationNoBuffer loses its chunk", () => {
    const { chain, ends, filter } = setUp();
    filter.data = [DataStatus.StopIterationNoBuffer, DataStatus.Continue];
    chain.requestHeaders(request(), false);
    chain.requestData(bytes("ab"), false);
    chain.requestData(bytes("cd"), true);
    expect(ends.events).toEqual(["request headers", 'request data "cd" end']);
  });

  test("a buffered request over the limit is answered 413", () => {
    const { chain, ends, filter } = setUp(1, 3);
    filter.data = [DataStatus.StopIterationAndBuffer];
    chain.requestHeaders(request(), false);
    chain.requestData(bytes("abcd"), false);
    expect(ends.events).toEqual([
      "request headers",
      "cancel upstream",
      "response headers 413",
      'response data "Payload Too Large" end',
    ]);
    expect(ends.info.responseCodeDetails).toBe("request_payload_too_large");
  });

  test("under back-pressure the limit pauses reading, and continue resumes it", () => {
    const { chain, ends, filter } = setUp(1, 3);
    filter.headers = HeadersStatus.StopAllIterationAndWatermark;
    chain.requestHeaders(request(), false);
    chain.requestData(bytes("abcd"), false);
    expect(ends.events).toEqual(["pause request"]);
    filter.callbacks.continueDecoding();
    expect(ends.events).toEqual([
      "pause request",
      "request headers",
      "resume request",
      'request data "abcd"',
    ]);
  });

  test("a local reply from the request path passes the response filters, in reverse order", () => {
    const { chain, ends, filters } = setUp(2);
    filters[0]!.onHeaders = () =>
      filters[0]!.callbacks.sendLocalReply({ status: 401, body: "no", details: "test" });
    chain.requestHeaders(request(), true);
    expect(filters[0]!.seen).toEqual(["headers end", "response 401", "response data no end"]);
    expect(filters[1]!.seen).toEqual(["response 401", "response data no end"]);
    expect(ends.events).toEqual(["cancel upstream", "response headers 401", 'response data "no" end']);
    expect([...ends.maps[0]!]).toEqual([
      [":status", "401"],
      ["content-length", "2"],
      ["content-type", "text/plain"],
    ]);
  });

  test("a local reply while response headers are held goes straight to the client", () => {
    const { chain, ends, filter } = setUp();
    filter.encode = HeadersStatus.StopAllIterationAndWatermark;
    chain.requestHeaders(request(), true);
    chain.responseHeaders(response(), true);
    filter.callbacks.sendLocalReply({ status: 500, body: "", details: "x" });
    expect(filter.seen.filter((s) => s.startsWith("response"))).toEqual(["response 200 end"]);
    expect(ends.events.at(-1)).toBe("response headers 500 end");
  });

  test("a local reply after the response has started resets the stream", () => {
    const { chain, ends, filter } = setUp();
    chain.requestHeaders(request(), true);
    chain.responseHeaders(response(), false);
    filter.callbacks.sendLocalReply({ status: 500, body: "", details: "late" });
    expect(ends.events.at(-1)).toBe("reset late");
  });

  test("the first local reply wins", () => {
    const { chain, ends, filter } = setUp();
    filter.onHeaders = () => {
      filter.callbacks.sendLocalReply({ status: 401, body: "", details: "a" });
      filter.callbacks.sendLocalReply({ status: 402, body: "", details: "b" });
    };
    chain.requestHeaders(request(), true);
    expect(ends.events.filter((e) => e.startsWith("response headers"))).toEqual(["response headers 401 end"]);
  });

  test("a gRPC client gets a trailers-only local reply", () => {
    const { chain, ends } = setUp();
    const grpc = HeaderMap.of("request", [
      [":method", "POST"],
      ["content-type", "application/grpc"],
    ]);
    chain.requestHeaders(grpc, false);
    chain.sendLocalReply({ status: 503, body: "50% off", details: "x" });
    expect([...ends.maps.at(-1)!]).toEqual([
      [":status", "200"],
      ["content-type", "application/grpc"],
      ["grpc-status", "14"],
      ["grpc-message", "50%25 off"],
    ]);
  });

  test("finish logs every filter before it destroys the first, once", () => {
    const { chain, filters } = setUp(2);
    const order: string[] = [];
    for (const [i, f] of filters.entries()) {
      f.onLog = () => order.push(`log ${i}`);
      f.onDestroy = () => order.push(`destroy ${i}`);
    }
    chain.requestHeaders(request(), true);
    chain.finish();
    chain.finish();
    expect(order).toEqual(["log 0", "log 1", "destroy 0", "destroy 1"]);
  });
});
