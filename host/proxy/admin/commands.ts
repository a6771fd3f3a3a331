import type { AdminHandler, AdminState } from "./admin-server";
import { clustersPage } from "./clusters-page";
import { configDump } from "./config-dump";
import { listenersPage } from "./listeners-page";
import { loggingPage } from "./logging-page";
import { serverInfo } from "./server-info";
import { prometheusPage, resetCounters, statsPage } from "./stats-page";

export interface Command {
  path: string;
  /** Changes something: other methods are refused. */
  post?: boolean;
  /** As Envoy's help describes it. */
  help: string;
  params?: readonly (readonly [name: string, help: string])[];
  handler: AdminHandler;
}

const FILTER = ["filter", "Regular expression (Google re2) for filtering stats"] as const;
const USED_ONLY = ["usedonly", "Only include stats that have been written by system since restart"] as const;

function setHealth(state: AdminState, failed: boolean) {
  state.failHealth(failed);
  return { body: "OK\n" };
}

/** Every admin path this proxy serves, in the order of the help text. */
export const COMMANDS: readonly Command[] = [
  {
    path: "/clusters",
    help: "upstream cluster status",
    params: [["filter", "Regular expression (Google re2) for filtering clusters by name"]],
    handler: clustersPage,
  },
  { path: "/config_dump", help: "dump current Envoy configs", handler: configDump },
  {
    path: "/healthcheck/fail",
    post: true,
    help: "cause the server to fail health checks",
    handler: (state) => setHealth(state, true),
  },
  {
    path: "/healthcheck/ok",
    post: true,
    help: "cause the server to pass health checks",
    handler: (state) => setHealth(state, false),
  },
  { path: "/help", help: "print out list of admin commands", handler: () => ({ body: helpText() }) },
  {
    path: "/listeners",
    help: "print listener info",
    params: [["format", "File format to use; One of (text, json)"]],
    handler: listenersPage,
  },
  {
    path: "/logging",
    post: true,
    help: "query/change logging levels",
    params: [
      [
        "paths",
        "Change multiple logging levels by setting to <logger_name1>:<desired_level1>,<logger_name2>:<desired_level2>.",
      ],
      [
        "level",
        "desired logging level, this will change all loggers's level; One of (, trace, debug, info, warning, error, critical, off)",
      ],
    ],
    handler: loggingPage,
  },
  {
    path: "/quitquitquit",
    post: true,
    help: "exit the server",
    handler: (state) => {
      state.quit();
      return { body: "OK\n" };
    },
  },
  {
    path: "/ready",
    help: "print server state, return 200 if LIVE, otherwise return 503",
    handler: (state) => {
      const now = state.state();
      return { status: now === "LIVE" ? 200 : 503, body: `${now}\n` };
    },
  },
  {
    path: "/reopen_logs",
    post: true,
    help: "reopen access logs",
    handler: (state) => {
      state.reopenLogs();
      return { body: "OK\n" };
    },
  },
  { path: "/reset_counters", post: true, help: "reset all counters to zero", handler: resetCounters },
  { path: "/server_info", help: "print server version/status information", handler: serverInfo },
  {
    path: "/stats",
    help: "print server stats",
    params: [
      USED_ONLY,
      FILTER,
      ["format", "Format to use; One of (text, json, prometheus)"],
      ["type", "Stat types to include.; One of (All, Counters, Histograms, Gauges, TextReadouts)"],
    ],
    handler: statsPage,
  },
  {
    path: "/stats/prometheus",
    help: "print server stats in prometheus format",
    params: [USED_ONLY, FILTER],
    handler: prometheusPage,
  },
];

/** What `/help` prints, and any path nobody knows. */
export function helpText(): string {
  const lines = ["admin commands are:", "  /: Admin home page"];
  for (const { path, post, help, params } of COMMANDS) {
    lines.push(`  ${path}${post ? " (POST)" : ""}: ${help}`);
    for (const [name, text] of params ?? []) lines.push(`      ${name}: ${text}`);
  }
  return `${lines.join("\n")}\n`;
}

/** `/`: links to every path. */
export function indexPage(): string {
  const rows = COMMANDS.map(({ path, post, help }) => {
    const link = post
      ? `<form action='${path.slice(1)}' method='post'><button>${path.slice(1)}</button></form>`
      : `<a href='${path.slice(1)}'>${path.slice(1)}</a>`;
    return `<tr><td>${link}</td><td>${help}</td></tr>`;
  });
  return [
    "<!DOCTYPE html>",
    "<html lang='en'>",
    "<head>",
    "  <title>Envoy Admin</title>",
    "</head>",
    "<body>",
    "<table>",
    "<thead><tr><th>Command</th><th>Description</th></tr></thead>",
    "<tbody>",
    ...rows,
    "</tbody>",
    "</table>",
    "</body>",
    "</html>",
    "",
  ].join("\n");
}
