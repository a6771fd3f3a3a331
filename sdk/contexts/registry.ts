import { LogLevel } from "../abi/log-level";
import { proxy_log } from "../env";
import { getPropertyString } from "../hostcalls/properties";
import { addText, LINE, takeLine } from "../memory/line";
import { HttpFilter } from "./http-filter";
import { PlainRoot, RootContext } from "./root-context";
import { StreamContext } from "./stream-context";
import { findStream } from "./stream-table";

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
 * Whether one filter object serves all streams. `proxy-wasm build` turns it on for a module with a single filter that
 * keeps nothing per stream and has no root of its own: contexts are then neither made nor looked up.
 */
const SHARED: bool = false;
let shared: StreamContext | null = null;

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

/** The context of a stream, or null when the proxy never announced it. */
export function streamContext(id: u32): StreamContext | null {
  if (SHARED) return sharedStream(id);
  return findStream(id);
}

function sharedStream(id: u32): StreamContext | null {
  let stream = shared;
  if (stream == null) {
    const registration = registrations;
    if (registration == null) return null;
    shared = stream = registration.createStream();
  }
  stream.contextId = id;
  return stream;
}

/** Takes on a new plugin; false when its `root_id` is not registered (logged). */
export function startRoot(id: u32): bool {
  if (SHARED) return findRegistration() != null;
  return rootContext(id) != null;
}

/** The root context of that id, made on first sight; null when its `root_id` is not registered (logged). */
export function rootContext(id: u32): RootContext | null {
  const known = findRoot(id);
  if (known) return known;
  const registration = findRegistration();
  if (!registration) return null;
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

/** What was registered under the current plugin's `root_id`; null (logged, with the names there are) for nothing. */
function findRegistration(): Registration | null {
  const property = getPropertyString("plugin_root_id");
  const rootId = property ? property : "";
  const first = registrations;
  if (rootId.length == 0 && first != null && first.next == null) return first;
  let each = first;
  while (each != null && each.name != rootId) each = each.next;
  if (each == null) refuse(rootId);
  return each;
}

function refuse(rootId: string): void {
  takeLine();
  addText('root_id "');
  addText(rootId);
  addText('" is not registered; this module has: ');
  listNames(registrations);
  proxy_log(LogLevel.Error, LINE, takeLine());
}

/** In the order of registration: the list has the last one first. */
function listNames(registration: Registration | null): void {
  if (registration == null) return;
  listNames(registration.next);
  if (registration.next != null) addText(", ");
  addText(registration.name);
}
