import type { LogLevel } from "../../../sdk/abi/log-level";
import { type Component, isComponent, LEVEL_NAMES, type Logger, parseLevel } from "../../log";
import type { AdminHandler, AdminReply } from "./admin-server";

const USAGE = `
usage: /logging?<name>=<level> (change single level)
usage: /logging?paths=name1:level1,name2:level2,... (change multiple levels)
usage: /logging?level=<level> (change all levels)
levels: trace debug info warning error critical off 
`;

function activeLoggers(log: Logger): string {
  const lines = [...log.levels()].map(([name, level]) => `  ${name}: ${LEVEL_NAMES[level]}\n`);
  return `active loggers:\n${lines.join("")}\n`;
}

function refuse(log: Logger, reason: string): AdminReply {
  return { status: 400, body: `error: ${reason}\n${USAGE}${activeLoggers(log)}` };
}

/** `POST /logging`: shows the levels, after changing what the query asks for; nothing changes on an error. */
export const loggingPage: AdminHandler = ({ log }, query) => {
  const changes: [Component | "*", LogLevel][] = [];
  if (query.size > 1) return refuse(log, "invalid number of parameters");
  for (const [name, value] of query) {
    const pairs = name === "paths" ? value.split(",").map((p) => p.split(":")) : [[name, value]];
    for (const [logger = "", text = ""] of pairs) {
      const level = parseLevel(text);
      if (level === undefined)
        return refuse(log, name === "paths" ? "unknown logger level" : "unknown logger level");
      const target = name === "level" ? "*" : isComponent(logger) ? logger : undefined;
      if (target === undefined) return refuse(log, "unknown logger name");
      changes.push([target, level]);
    }
  }
  for (const [target, level] of changes) log.setLevel(target, level);
  return { body: activeLoggers(log) };
};
