import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeGrpcMessage } from "../../../host/context/local-answer";
import { grpcStatus, grpcTimeout } from "../../../host/proxy/clusters/grpc-headers";
import { HeaderMap } from "../../../host/stores/header-map";

test.each([
  [0, "0m"],
  [1, "1m"],
  [99_999_999, "99999999m"],
  [100_000_000, "100000S"],
  [4_294_967_295, "4294967S"],
])("%i ms are %s", (ms, text) => {
  expect(grpcTimeout(ms)).toBe(text);
});

test.each([
  [undefined, undefined],
  ["", undefined],
  ["0", 0],
  ["16", 16],
  ["17", -1],
  ["007", 7],
  ["-1", -1],
  ["0x1", -1],
  ["1,1", -1],
  ["ok", -1],
])("grpc-status %s is %s", (text, status) => {
  const pairs: [string, string][] = text === undefined ? [] : [["grpc-status", text]];
  expect(grpcStatus(HeaderMap.of("response-trailers", pairs))).toBe(status);
});

test("a grpc-message is printable ASCII and decodes to the text", () => {
  const latin1 = fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes).toString("latin1"));
  fc.assert(
    fc.property(latin1, (text) => {
      const encoded = encodeGrpcMessage(text);
      expect(encoded).toMatch(/^[ -~]*$/);
      expect(encoded.replaceAll(/%(..)/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))).toBe(
        text,
      );
    }),
  );
});
