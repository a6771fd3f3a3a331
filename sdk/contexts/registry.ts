import { logError } from "../hostcalls/logging";
import { getPropertyString } from "../hostcalls/properties";
import { HttpFilter } from "./http-filter";
import { PlainRoot, RootContext } from "./root-context";
import { StreamContext } from "./stream-context";

/** One `registerHttp`: how to make the root and the streams of the plugins with that `root_id`. */
class Registration {
  constructor(
    readonly name: string,
    readonly createRoot: () => RootContext,
    readonly createStream: () => StreamContext,
    readonly next: Registration | null,
  ) {}
}

let registrations: Registration | null = null;
let roots: RootContext | null = null;

/**
 * Makes `F` the HTTP filter of every plugin whose `root_id` is `rootId`; an empty `root_id` finds the only registered
 * filter. `R` holds the plugin's configuration.
 * @example registerHttp<MyFilter, MyRoot>("my-filter");
 */
export function registerHttp<F extends HttpFilter, R extends RootContext = PlainRoot>(rootId: string): void {
  registrations = new Registration(
    rootId,
    (): RootContext => instantiate<R>(),
    (): StreamContext => instantiate<F>(),
    registrations,
  );
}

/** The root context of that id, made on first sight; null when its `root_id` is not registered (logged). */
export function rootContext(id: u32): RootContext | null {
  const known = findRoot(id);
  if (known) return known;
  const property = getPropertyString("plugin_root_id");
  const rootId = property ? property : "";
  const registration = findRegistration(rootId);
  if (!registration) {
    logError(`root_id "${rootId}" is not registered in this module, which has: ${registeredNames()}`);
    return null;
  }
  const root = registration.createRoot();
  root.contextId = id;
  root.rootId = registration.name;
  root.createStream = registration.createStream;
  root.next = roots;
  roots = root;
  return root;
}

export function findRoot(id: u32): RootContext | null {
  let root = roots;
  while (root != null && root.contextId != id) root = root.next;
  return root;
}

export function removeRoot(id: u32): void {
  let before: RootContext | null = null;
  let root = roots;
  while (root != null && root.contextId != id) {
    before = root;
    root = root.next;
  }
  if (root == null) return;
  if (before == null) roots = root.next;
  else before.next = root.next;
}

function findRegistration(rootId: string): Registration | null {
  const first = registrations;
  if (first != null && first.next == null && rootId.length == 0) return first;
  let each = first;
  while (each != null && each.name != rootId) each = each.next;
  return each;
}

function registeredNames(): string {
  let names = "";
  let each = registrations;
  while (each != null) {
    names = each.name + (names.length ? `, ${names}` : "");
    each = each.next;
  }
  return names;
}
