import * as env from "../../../sdk/env";
import { bytesOf, encodePairs } from "./bytes";
import { num, number32, OUT, rest, text } from "./verbs";

/** Performs a verb of gRPC calls; the status, or -1 for another verb. */
export function grpc(verb: string): i32 {
  if (verb == "grpc-call") return call();
  if (verb == "grpc-stream") return stream();
  if (verb == "grpc-send") {
    const id = num();
    const message = text();
    return env.proxy_grpc_send(id, bytesOf(message), message.length, num());
  }
  if (verb == "grpc-cancel") return env.proxy_grpc_cancel(num());
  if (verb == "grpc-close") return env.proxy_grpc_close(num());
  return -1;
}

function call(): i32 {
  const upstream = text();
  const timeout = num();
  const service = text();
  const method = text();
  const message = text();
  const metadata = encodePairs(rest());
  return number32(
    env.proxy_grpc_call(
      bytesOf(upstream),
      upstream.length,
      bytesOf(service),
      service.length,
      bytesOf(method),
      method.length,
      bytesOf(metadata),
      metadata.length,
      bytesOf(message),
      message.length,
      timeout,
      OUT,
    ),
  );
}

function stream(): i32 {
  const upstream = text();
  const service = text();
  const method = text();
  const metadata = encodePairs(rest());
  return number32(
    env.proxy_grpc_stream(
      bytesOf(upstream),
      upstream.length,
      bytesOf(service),
      service.length,
      bytesOf(method),
      method.length,
      bytesOf(metadata),
      metadata.length,
      OUT,
    ),
  );
}
