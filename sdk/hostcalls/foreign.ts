import { Status } from "../abi/status";
import { proxy_call_foreign_function } from "../env";
import { Bytes } from "../memory/bytes";
import { encode, encodedSize } from "../memory/encode";
import { KEY, KEY_SIZE, OUT } from "../memory/layout";

/** Calls a function the proxy has registered under that name; null when it is unknown or fails. */
export function callForeignFunction(name: string, argument: Bytes): Bytes | null {
  const text = encode(name, KEY, KEY_SIZE);
  const size = encodedSize();
  const status = proxy_call_foreign_function(text, size, argument.ptr, <usize>argument.length, OUT, OUT + 4);
  return status == Status.Ok ? Bytes.take(load<usize>(OUT), load<usize>(OUT, 4)) : null;
}

/** Lets the proxy choose the route again; changing request headers does so by itself. */
export function clearRouteCache(): void {
  callForeignFunction("clear_route_cache", Bytes.of(""));
}
