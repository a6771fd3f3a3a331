import { BufferType } from "../abi/buffer-type";
import { proxy_grpc_cancel } from "../env";
import { ProxyBuffer, proxyBuffer } from "../hostcalls/buffers";
import { startedGrpcId } from "../hostcalls/grpc";
import { logError } from "../hostcalls/logging";
import { callStatus } from "../hostcalls/status";
import { Pairs } from "../memory/pairs";
import { Context } from "./context";

/** What gRPC calls and streams have in common. */
export class GrpcExchange {
  /** @internal */
  callId: u32 = 0;
  /** @internal Address of the next exchange under way. */
  next: usize = 0;
  /** @internal */
  sender: Context | null = null;
  private underWay: bool = false;

  /** The context that started it; cast it to your class. */
  get owner(): Context {
    return changetype<Context>(this.sender);
  }

  /** True from its start until it has ended. */
  get running(): bool {
    return this.underWay;
  }

  /** The message that has come, inside the callback that tells of it. */
  get message(): ProxyBuffer {
    return proxyBuffer(BufferType.GrpcReceiveBuffer);
  }

  /**
   * Why it ended, inside the callback that tells of it: the server's message as it was sent (percent-encoded), with
   * what the proxy knows in braces.
   */
  get reason(): string {
    return callStatus().message;
  }

  /** Gives it up: the server sees a reset, and nothing is called any more. */
  cancel(): void {
    if (!this.underWay) return;
    proxy_grpc_cancel(this.callId);
    this.forget();
  }

  /** @internal It has been started: kept alive until it ends. */
  keep(owner: Context): void {
    this.callId = startedGrpcId();
    this.sender = owner;
    this.underWay = true;
    this.next = known;
    known = __pin(changetype<usize>(this));
  }

  /** @internal */
  forget(): void {
    let before: GrpcExchange | null = null;
    let address = known;
    while (address != changetype<usize>(this)) {
      if (address == 0) return;
      before = changetype<GrpcExchange>(address);
      address = before.next;
    }
    if (before == null) known = this.next;
    else before.next = this.next;
    this.underWay = false;
    __unpin(address);
  }

  /** @internal Makes hostcalls act on the owner; false when that has gone. */
  resume(rootId: u32): bool {
    return this.owner.contextId == rootId || this.owner.makeEffective();
  }
}

/**
 * The first of the exchanges under way. They are pinned rather than held by a variable, so that modules without gRPC
 * carry nothing of them.
 */
let known: usize = 0;

/** @internal */
export function findExchange(id: u32): GrpcExchange | null {
  let address = known;
  while (address != 0) {
    const exchange = changetype<GrpcExchange>(address);
    if (exchange.callId == id) return exchange;
    address = exchange.next;
  }
  return null;
}

/** @internal Metadata no message may carry; logged. */
export function refusesMetadata(metadata: Pairs | null): bool {
  const refused = metadata != null && metadata.breaksLine;
  if (refused) logError("CR, LF or NUL in metadata: refused");
  return refused;
}
