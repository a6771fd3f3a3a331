import { Status } from "../abi/status";
import { StreamType } from "../abi/stream-type";
import { proxy_close_stream, proxy_continue_stream, proxy_send_local_response } from "../env";
import { Bytes } from "../memory/bytes";
import { encode, encodedSize } from "../memory/encode";
import { KEY, KEY_SIZE } from "../memory/layout";
import { Pairs } from "../memory/pairs";
import { logError } from "./logging";

/** Lets a paused direction go on. Calling it when nothing is paused is not safe in every proxy. */
export function continueStream(type: StreamType): Status {
  return proxy_continue_stream(type);
}

/** Resets the HTTP stream, or closes the connection. */
export function closeStream(type: StreamType): Status {
  return proxy_close_stream(type);
}

/**
 * Answers the request from here, once the callback has returned; the first answer wins.
 * @param details response code details for access logs
 * @param grpcStatus for gRPC requests; -1 = derived from the HTTP status
 */
export function sendLocalResponse(
  status: u32,
  body: Bytes,
  headers: Pairs | null,
  grpcStatus: i32,
  details: string,
): void {
  let block: usize = 0;
  let size: usize = 0;
  if (headers) {
    if (headers.breaksLine) {
      logError("CR, LF or NUL in a header: refused");
    } else {
      const encoded = headers.encode();
      block = encoded.ptr;
      size = <usize>encoded.length;
    }
  }
  const text = encode(details, KEY, KEY_SIZE);
  proxy_send_local_response(
    status,
    text,
    encodedSize(),
    body.ptr,
    <usize>body.length,
    block,
    size,
    grpcStatus,
  );
}
