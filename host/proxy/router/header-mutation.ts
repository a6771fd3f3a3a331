import type { HeaderMutation, HeaderToAdd } from "../../config/model";
import type { HeaderMap } from "../../stores/header-map";

type Apply = (headers: HeaderMap, name: string, value: string) => void;

const ACTIONS: Readonly<Record<HeaderToAdd["action"], Apply>> = {
  APPEND_IF_EXISTS_OR_ADD: (h, n, v) => h.add(n, v),
  ADD_IF_ABSENT: (h, n, v) => {
    if (!h.has(n)) h.append(n, v);
  },
  OVERWRITE_IF_EXISTS_OR_ADD: (h, n, v) => h.replace(n, v),
  OVERWRITE_IF_EXISTS: (h, n, v) => {
    if (h.has(n)) h.replace(n, v);
  },
};

/** Applies one level: removals first, so that a level can replace what came before. */
function mutate(headers: HeaderMap, mutation: HeaderMutation): void {
  for (const name of mutation.remove) headers.remove(name);
  for (const { name, value, action, keepEmptyValue } of mutation.add) {
    if (value !== "" || keepEmptyValue) ACTIONS[action](headers, name, value);
  }
}

/** The three levels in Envoy's order: route, virtual host, route configuration; a later one has the last word. */
export function mutateHeaders(headers: HeaderMap, levels: readonly HeaderMutation[]): void {
  for (const level of levels) {
    if (level.remove.length > 0 || level.add.length > 0) mutate(headers, level);
  }
}
