import { Status } from "../abi/status";
import { proxy_call_foreign_function } from "../env";
import { Bytes } from "../memory/bytes";
import { encode, encodedSize } from "../memory/encode";
import { KEY, KEY_SIZE, OUT } from "../memory/layout";

let lastStatus: Status = Status.Ok;

/**
 * Calls a function the proxy has registered under that name.
 * @returns its result; null when it is unknown or fails, see `foreignStatus`
 */
export function callForeignFunction(name: string, argument: Bytes): Bytes | null {
  const text = encode(name, KEY, KEY_SIZE);
  const size = encodedSize();
  lastStatus = proxy_call_foreign_function(text, size, argument.ptr, <usize>argument.length, OUT, OUT + 4);
  return lastStatus == Status.Ok ? Bytes.take(load<usize>(OUT), load<usize>(OUT, 4)) : null;
}

/** How the last `callForeignFunction` went: `Status.NotFound` when the proxy has no such function. */
export function foreignStatus(): Status {
  return lastStatus;
}

/** Lets the proxy choose the route again; changing request headers does so by itself. */
export function clearRouteCache(): void {
  callForeignFunction("clear_route_cache", Bytes.of(""));
}

/** The bytes as a zlib stream, or null when the proxy cannot. */
export function compress(bytes: Bytes): Bytes | null {
  return callForeignFunction("compress", bytes);
}

/** What a zlib stream holds, or null when it is none. */
export function uncompress(bytes: Bytes): Bytes | null {
  return callForeignFunction("uncompress", bytes);
}
