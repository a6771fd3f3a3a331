import { grpcStatusOf } from "../stores/grpc-status";
import { HeaderMap } from "../stores/header-map";
import type { HttpCallResponse } from "./http-caller";

/** What stands before the reason when a host did not answer, in Envoy's words. */
export const RESET_TEXT = "upstream connect error or disconnect/reset before headers. reset reason: ";
export const TIMEOUT_TEXT = "upstream request timeout";

/** The answer to a call that the proxy makes in the host's place: status, length, type, text. */
export function localAnswer(status: number, text: string): HttpCallResponse {
  const headers = HeaderMap.of("response", [[":status", String(status)]]);
  if (text !== "") {
    headers.append("content-length", String(text.length));
    headers.append("content-type", "text/plain");
  }
  return { headers, body: Buffer.from(text, "latin1"), trailers: undefined };
}

/** The same to a gRPC request: trailers, and nothing before them. */
export function localGrpcAnswer(status: number, text: string): HeaderMap {
  return HeaderMap.of("response-trailers", [
    [":status", "200"],
    ["content-type", "application/grpc"],
    ["grpc-status", String(grpcStatusOf(status))],
    ["grpc-message", encodeGrpcMessage(text)],
  ]);
}

/** Text in a `grpc-message`: printable ASCII but `%` stays, the rest is %XX. */
export function encodeGrpcMessage(text: string): string {
  return text.replaceAll(
    /[^ -$&-~]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}
