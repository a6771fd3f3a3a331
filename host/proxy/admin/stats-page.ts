import { renderPrometheus } from "../stats/prometheus";
import { renderJson, renderText, type StatsSelection } from "../stats/render";
import type { AdminHandler, AdminQuery, AdminReply, AdminState } from "./admin-server";
import { JSON_TYPE } from "./json-text";
import { nameFilter } from "./name-filter";

const TYPES = ["All", "Counters", "Histograms", "Gauges", "TextReadouts"] as const;

function selection(query: AdminQuery): StatsSelection | AdminReply {
  const matches = nameFilter(query);
  if (typeof matches !== "function") return matches;
  const type = TYPES.find((t) => t === (query.get("type") ?? "All"));
  if (!type) return { status: 400, body: `invalid &type= choice\n` };
  const inverted = query.has("invert_filter") && query.has("filter");
  return { usedOnly: query.has("usedonly"), matches: inverted ? (name) => !matches(name) : matches, type };
}

type Render = (state: AdminState, wanted: StatsSelection) => AdminReply;

const FORMATS: Readonly<Record<string, Render>> = {
  text: ({ store }, wanted) => ({ body: renderText(store, wanted) }),
  json: ({ store }, wanted) => ({ contentType: JSON_TYPE, body: renderJson(store, wanted) }),
  prometheus: ({ store, tags }, wanted) => ({ body: renderPrometheus(store, tags, wanted) }),
};

/** `/stats`. */
export const statsPage: AdminHandler = (state, query) => {
  const format = query.get("format") ?? "text";
  const render = Object.hasOwn(FORMATS, format) ? FORMATS[format] : undefined;
  if (!render) return { status: 400, body: "usage: /stats?format=(json|prometheus|text)\n\n" };
  const wanted = selection(query);
  state.refreshStats();
  return "body" in wanted ? wanted : render(state, wanted);
};

/** `/stats/prometheus`. */
export const prometheusPage: AdminHandler = (state, query) => {
  const wanted = selection(query);
  state.refreshStats();
  return "body" in wanted ? wanted : FORMATS.prometheus!(state, wanted);
};

/** `/reset_counters`. */
export const resetCounters: AdminHandler = ({ store }) => {
  for (const counter of store.counters.values()) {
    counter.value = 0;
    counter.used = false;
  }
  return { body: "OK\n" };
};
