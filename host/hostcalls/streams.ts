import { Status } from "../../sdk/abi/status";
import { StreamType } from "../../sdk/abi/stream-type";
import type { Hostcalls } from "../abi/hostcalls";
import { decodePairs } from "../stores/pairs";
import type { HostcallEnv } from "./env";

type Names =
  | "proxy_continue_stream"
  | "proxy_close_stream"
  | "proxy_continue_request"
  | "proxy_continue_response"
  | "proxy_clear_route_cache"
  | "proxy_send_local_response";

export const streams = (env: HostcallEnv): Hostcalls<Names> => ({
  proxy_continue_stream(type) {
    if (type >>> 0 > StreamType.Upstream) return Status.BadArgument;
    if (type === StreamType.Upstream) return Status.Unimplemented;
    env.context.continueStream(type);
    return Status.Ok;
  },
  proxy_close_stream(type) {
    if (type >>> 0 > StreamType.Upstream) return Status.BadArgument;
    env.context.closeStream(type);
    return Status.Ok;
  },
  proxy_continue_request() {
    env.context.continueStream(StreamType.HttpRequest);
    return Status.Ok;
  },
  proxy_continue_response() {
    env.context.continueStream(StreamType.HttpResponse);
    return Status.Ok;
  },
  proxy_clear_route_cache() {
    env.context.clearRouteCache();
    return Status.Ok;
  },
  proxy_send_local_response(
    status,
    detailsPtr,
    detailsSize,
    bodyPtr,
    bodySize,
    headersPtr,
    headersSize,
    grpcStatus,
  ) {
    const details = env.memory.latin1(detailsPtr, detailsSize);
    const body = env.memory.latin1(bodyPtr, bodySize);
    const pairs = env.memory.copy(headersPtr, headersSize);
    if (details === undefined || body === undefined || !pairs) return Status.InvalidMemoryAccess;
    const headers = decodePairs(pairs).map(([k, v]): [string, string] => [k.toLowerCase(), v]);
    env.context.sendLocalResponse({ status: status >>> 0, details, body, headers, grpcStatus });
    return Status.Ok;
  },
});
