import type { AccessLogConfig, HeaderMutation, HttpConnectionManagerConfig } from "../../config/model";
import type { Need } from "../../formatter/scope";
import type { Format } from "../../formatter/text-format";

const ofLogs = (logs: readonly AccessLogConfig[]): Format[] =>
  logs.flatMap(({ sink }) => (sink.kind === "file" ? [sink.format] : []));

const ofHeaders = (...mutations: readonly HeaderMutation[]): Format[] =>
  mutations.flatMap(({ add }) => add.map(({ value }) => value));

const union = (formats: readonly Format[]): Set<Need> => new Set(formats.flatMap(({ needs }) => [...needs]));

/** What must be written down of streams, because some format or span asks for it. */
export function needsOf(http: HttpConnectionManagerConfig): Set<Need> {
  const headers = http.virtualHosts.flatMap((host) => [
    ...ofHeaders(host.requestHeaders, host.responseHeaders),
    ...host.routes.flatMap((route) => {
      const { action } = route;
      const weighted =
        action.kind === "cluster" && action.choice.kind === "weighted" ? action.choice.clusters : [];
      return [
        ...ofHeaders(route.requestHeaders, route.responseHeaders),
        ...weighted.flatMap((each) => ofHeaders(each.requestHeaders, each.responseHeaders)),
      ];
    }),
  ]);
  const needs = union([
    ...ofLogs(http.accessLogs),
    ...headers,
    ...ofHeaders(http.requestHeaderMutation, http.responseHeaderMutation),
  ]);
  return http.tracing?.verbose ? needs.add("times") : needs;
}

/** The same of connections. */
export const needsOfLogs = (logs: readonly AccessLogConfig[]): Set<Need> => union(ofLogs(logs));
