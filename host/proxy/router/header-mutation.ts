import type { HeaderMutation, HeaderToAdd } from "../../config/model";
import type { FormatScope } from "../../formatter/scope";
import type { HeaderMap } from "../../stores/header-map";

/** What becomes of a value: nothing, one more line, or the only one. */
type Effect = "add" | "overwrite" | undefined;

const EFFECTS: Readonly<Record<HeaderToAdd["action"], (there: boolean) => Effect>> = {
  APPEND_IF_EXISTS_OR_ADD: () => "add",
  ADD_IF_ABSENT: (there) => (there ? undefined : "add"),
  OVERWRITE_IF_EXISTS_OR_ADD: () => "overwrite",
  OVERWRITE_IF_EXISTS: (there) => (there ? "overwrite" : undefined),
};

/**
 * Applies one level: removals first, so that a level can replace what came before; then values, all of them made out of
 * the headers as they were, and those that overwrite go in before those that are added.
 */
function mutate(headers: HeaderMap, { add, remove }: HeaderMutation, scope: FormatScope): void {
  for (const name of remove) headers.remove(name);
  if (add.length === 0) return;
  const added: [string, string][] = [];
  const overwritten: [string, string][] = [];
  for (const { name, value, action, keepEmptyValue } of add) {
    const text = value.constant ?? value.format(scope);
    if (text === "" && !keepEmptyValue) continue;
    const effect = EFFECTS[action](headers.has(name));
    if (effect) (effect === "add" ? added : overwritten).push([name, text]);
  }
  for (const [name, text] of overwritten) headers.replace(name, text);
  for (const [name, text] of added) headers.add(name, text);
}

/** The three levels in Envoy's order: route, virtual host, route configuration; a later one has the last word. */
export function mutateHeaders(
  headers: HeaderMap,
  levels: readonly HeaderMutation[],
  scope: FormatScope,
): void {
  for (const level of levels) {
    if (level.remove.length > 0 || level.add.length > 0) mutate(headers, level, scope);
  }
}
