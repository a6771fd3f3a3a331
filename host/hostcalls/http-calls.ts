import { Status } from "../../sdk/abi/status";
import type { Hostcalls } from "../abi/hostcalls";
import { callHeaders } from "./call-headers";
import type { HostcallEnv } from "./env";

type Names = "proxy_http_call" | "proxy_get_status";

const MAX_TIMEOUT_MS = 2 ** 31 - 1;
const REQUIRED = [":path", ":method", ":authority"];

export const httpCalls = (env: HostcallEnv): Hostcalls<Names> => ({
  proxy_http_call(
    clusterPtr,
    clusterSize,
    headersPtr,
    headersSize,
    bodyPtr,
    bodySize,
    trailersPtr,
    trailersSize,
    timeout,
    idAt,
  ) {
    const { memory } = env;
    const cluster = memory.latin1(clusterPtr, clusterSize);
    const headerBytes = memory.copy(headersPtr, headersSize);
    const body = memory.copy(bodyPtr, bodySize);
    const trailerBytes = memory.copy(trailersPtr, trailersSize);
    if (cluster === undefined || !headerBytes || !body || !trailerBytes) return Status.InvalidMemoryAccess;
    if (!memory.writeU32(idAt, 0)) return Status.InvalidMemoryAccess;
    const timeoutMs = timeout >>> 0;
    if (timeoutMs > MAX_TIMEOUT_MS || !env.instance.deps.caller.hasCluster(cluster))
      return Status.BadArgument;
    const headers = callHeaders("request", headerBytes);
    if (REQUIRED.some((name) => !headers.has(name))) return Status.BadArgument;
    const trailers = callHeaders("request-trailers", trailerBytes);
    if (body.length > 0) headers.set("content-length", String(body.length));
    const request = { headers, body, trailers: trailers.size > 0 ? trailers : undefined, timeoutMs };
    const id = env.context.root.httpCalls.start(cluster, request);
    return id === undefined ? Status.InternalFailure : env.put32(idAt, id);
  },
  proxy_get_status(codeAt, pointerAt, sizeAt) {
    const { code, message } = env.context.root.callStatus;
    return env.put32(codeAt, code) || env.put(message, pointerAt, sizeAt);
  },
});
