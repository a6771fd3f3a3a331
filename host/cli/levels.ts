import { InvalidArgumentError } from "commander";
import type { LogLevel } from "../../sdk/abi/log-level";
import { type Component, LEVEL_NAMES, parseLevel } from "../log";

/** `-l LEVEL`. */
export function levelArgument(text: string): LogLevel {
  const level = parseLevel(text);
  if (level === undefined) throw new InvalidArgumentError(`'${text}' is none of ${LEVEL_NAMES.join(", ")}.`);
  return level;
}

/** `--component-log-level wasm:trace,http:debug`; the engine judges the names, they differ. */
export function componentLevelsArgument(
  text: string,
  before: ReadonlyMap<Component, LogLevel> = new Map(),
): ReadonlyMap<Component, LogLevel> {
  const levels = new Map(before);
  for (const pair of text.split(",")) {
    const [component, level, ...rest] = pair.split(":");
    if (!component || !level || rest.length > 0)
      throw new InvalidArgumentError(`'${pair}' is not component:level, as in wasm:trace.`);
    levels.set(component as Component, levelArgument(level));
  }
  return levels;
}
