import type { FormatScope } from "../../formatter/scope";
import type { HeaderMap } from "../../stores/header-map";
import { mutateHeaders } from "./header-mutation";
import type { Route } from "./route";

export const ATTEMPTS = "x-envoy-attempt-count";

/** What a route that leads to a cluster adds to every response. */
export function decorateResponse(route: Route, headers: HeaderMap, scope: FormatScope): void {
  const { attempts } = scope.info.upstream;
  if (route.virtualHost.attemptCountDownstream && attempts > 0) headers.set(ATTEMPTS, String(attempts));
  // Values are made of the response that they go into.
  scope.info.responseHeaders = headers;
  mutateHeaders(headers, route.responseHeaders, scope);
}
