import { BufferType } from "../abi/buffer-type";
import { MapType } from "../abi/map-type";
import { Status } from "../abi/status";
import { proxy_http_call } from "../env";
import { ProxyBuffer, proxyBuffer } from "../hostcalls/buffers";
import { HeaderMap, headerMap } from "../hostcalls/headers";
import { logError } from "../hostcalls/logging";
import { Bytes } from "../memory/bytes";
import { encode, encodedSize } from "../memory/encode";
import { KEY, KEY_SIZE, OUT2 } from "../memory/layout";
import { Pairs } from "../memory/pairs";
import { decimal } from "../text/ascii";
import { Context } from "./context";

/**
 * One HTTP call to a cluster, with the state its answer needs: subclass it, add fields, override `onResponse`.
 * While it runs, hostcalls act on the context that sent it (e.g. `continueRequest` of the paused stream). When that
 * stream has ended meanwhile, nothing is called.
 * @example
 * class Check extends HttpCall {
 *   onResponse(): void {
 *     const filter = this.owner as Guard;
 *     if (this.status == 200) filter.continueRequest();
 *     else filter.sendLocalResponse(403, "denied");
 *   }
 * }
 * new Check().send(this, "auth", new Pairs().add(":method", "GET").add(":path", "/").add(":authority", "auth"));
 */
export class HttpCall {
  /** @internal */
  callId: u32 = 0;
  /** @internal Address of the next pending call. */
  next: usize = 0;
  /** @internal */
  sender: Context | null = null;
  /** @internal */
  waiting: bool = false;

  /** The context that sent the call; cast it to your class. */
  get owner(): Context {
    return changetype<Context>(this.sender);
  }

  /** Headers of the answer, inside `onResponse`. */
  get headers(): HeaderMap {
    return headerMap(MapType.HttpCallResponseHeaders);
  }

  /** Status of the answer, inside `onResponse`; 0 when it has none. */
  get status(): i32 {
    const text = this.headers.get(":status");
    return text == null ? 0 : max(decimal(text), 0);
  }

  /** Trailers of the answer, inside `onResponse`. */
  get trailers(): HeaderMap {
    return headerMap(MapType.HttpCallResponseTrailers);
  }

  /** Body of the answer, inside `onResponse`. */
  get body(): ProxyBuffer {
    return proxyBuffer(BufferType.HttpCallResponseBody);
  }

  /** An answer came. No connection (`:status` 503) and no answer in time (504) are answers of the proxy. */
  onResponse(): void {}

  /** The connection broke before the answer was complete. */
  onFailure(): void {}

  /**
   * Sends the call; the answer comes in a later callback.
   * @param headers needs `:method`, `:path` and `:authority`
   * @param timeout milliseconds; 0 = none
   * @returns `Status.BadArgument` for an unknown cluster or missing headers, `Status.InternalFailure` when the cluster
   * has no usable host, `Status.Unimplemented` when this object still waits for an answer; then nothing will be called
   */
  send(
    owner: Context,
    cluster: string,
    headers: Pairs,
    body: Bytes | null = null,
    timeout: u32 = 5000,
    trailers: Pairs | null = null,
  ): Status {
    if (this.waiting) return Status.Unimplemented;
    if (headers.breaksLine || (trailers != null && trailers.breaksLine)) {
      logError("CR, LF or NUL in a header: refused");
      return Status.BadArgument;
    }
    const head = headers.encode();
    const content = body == null ? Bytes.of("") : body;
    const tail = trailers == null ? Bytes.of("") : trailers.encode();
    const name = encode(cluster, KEY, KEY_SIZE);
    const status: Status = proxy_http_call(
      name,
      encodedSize(),
      head.ptr,
      <usize>head.length,
      content.ptr,
      <usize>content.length,
      tail.ptr,
      <usize>tail.length,
      timeout,
      OUT2,
    );
    if (status != Status.Ok) return status;
    this.callId = load<u32>(OUT2);
    this.sender = owner;
    this.waiting = true;
    this.next = pending;
    pending = __pin(changetype<usize>(this));
    return status;
  }
}

/**
 * The first of the calls that wait for an answer. They are pinned rather than held by a variable, so that modules
 * without calls carry nothing of them.
 */
let pending: usize = 0;

/** @internal An answer has come for a root: hands it to the call that waits for it. */
export function answerCall(rootId: u32, callId: u32, headerCount: u32): void {
  const call = takeCall(callId);
  if (call == null) return;
  const owner = call.owner;
  if (owner.contextId != rootId && !owner.makeEffective()) return;
  if (headerCount > 0) call.onResponse();
  else call.onFailure();
}

function takeCall(callId: u32): HttpCall | null {
  let before: HttpCall | null = null;
  let address = pending;
  while (address != 0) {
    const call = changetype<HttpCall>(address);
    if (call.callId == callId) {
      if (before == null) pending = call.next;
      else before.next = call.next;
      __unpin(address);
      call.waiting = false;
      return call;
    }
    before = call;
    address = call.next;
  }
  return null;
}
