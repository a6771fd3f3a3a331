import { expect, test } from "vitest";
import { parseGrpcService } from "../../../host/stores/protobuf/grpc-service";

const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");

test.each(["nowhere", "auth", "dead", "b1-h2", "outbound|80||a.default.svc.cluster.local", "\xff"])(
  "%j is no protobuf message: a cluster's name",
  (name) => {
    expect(parseGrpcService(Buffer.from(name, "latin1"))).toBe("unparsable");
  },
);

test.each(["", "h1", "h2", "empty", "e1234"])(
  "%j is a message without a target, which ends Envoy",
  (name) => {
    expect(parseGrpcService(Buffer.from(name))).toBe("no target");
  },
);

test("google_grpc", () => {
  expect(parseGrpcService(hex("12 00"))).toBe("google");
});

test("envoy_grpc, all of it; fields nobody knows are skipped", () => {
  const envoyGrpc = "0a 03 617070 12 02 6175 22 02 08 05 28 01 f2 7f 01 00";
  const header = "0a 03 4b2d61 12 02 c3a9";
  expect(parseGrpcService(hex(`0a 14 ${envoyGrpc} 1a 00 2a 09 ${header}`))).toEqual({
    cluster: "app",
    authority: "au",
    metadata: [["k-a", "\xc3\xa9"]],
    maxMessage: 5,
    skipEnvoyHeaders: true,
  });
});
