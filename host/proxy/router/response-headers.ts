import type { HeaderMap } from "../../stores/header-map";
import { mutateHeaders } from "./header-mutation";
import type { Route } from "./route";

export const ATTEMPTS = "x-envoy-attempt-count";

/** What a route that leads to a cluster adds to every response. @param attempts so far; 0 = none was made */
export function decorateResponse(route: Route, attempts: number, headers: HeaderMap): void {
  if (route.virtualHost.attemptCountDownstream && attempts > 0) headers.set(ATTEMPTS, String(attempts));
  mutateHeaders(headers, route.responseHeaders);
}
