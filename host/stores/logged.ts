import { MapType } from "../../sdk/abi/map-type";
import type { HeaderMap } from "./header-map";
import type { StreamScope } from "./properties";
import type { StreamInfo } from "./stream-info";

/** A map of a stream that has ended, as on_log reads it; request trailers are not kept. */
export function loggedMap(info: StreamInfo, type: MapType): HeaderMap | undefined {
  if (type === MapType.HttpRequestHeaders) return info.requestHeaders;
  if (type === MapType.HttpResponseHeaders) return info.responseHeaders;
  if (type === MapType.HttpResponseTrailers) return info.responseTrailers;
  return undefined;
}

/** What properties show of it. */
export function loggedScope(info: StreamInfo): StreamScope {
  const { requestHeaders, responseHeaders, responseTrailers } = info;
  return { info, requestHeaders, responseHeaders, responseTrailers };
}
