import { Status } from "../abi/status";
import { proxy_get_status } from "../env";
import { decode } from "../memory/decode";
import { OUT, OUT2 } from "../memory/layout";

/** How the last HTTP or gRPC call of this plugin ended. */
export class CallStatus {
  constructor(
    readonly code: i32,
    readonly message: string,
  ) {}
}

/** In a call's callback: a code (gRPC status, or 11 for a reset HTTP call) and what the proxy says about it. */
export function callStatus(): CallStatus {
  if (proxy_get_status(OUT2, OUT, OUT + 4) != Status.Ok) return new CallStatus(0, "");
  return new CallStatus(load<i32>(OUT2), decode(load<usize>(OUT), load<usize>(OUT, 4)));
}
