import { LogLevel } from "../abi/log-level";
import { proxy_log } from "../env";
import { findProperty } from "../hostcalls/properties";
import { encode, encodedSize } from "../memory/encode";
import { KEY, KEY_SIZE, OUT } from "../memory/layout";
import { addBytes, addText, LINE, takeLine } from "../memory/line";
import { HttpFilter } from "./http-filter";
import { PlainRoot, RootContext } from "./root-context";
import { StreamContext } from "./stream-context";
import { addStream, findStream, removeStream } from "./stream-table";
import { TcpFilter } from "./tcp-filter";

/** What is registered under a name: how to make the root and the streams of the plugins with that `root_id`. */
class Registration {
  /** For TCP connections, when the name has an HTTP filter too. */
  createConnection: (() => StreamContext) | null = null;

  constructor(
    readonly name: string,
    readonly createRoot: () => RootContext,
    public createStream: () => StreamContext,
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
let sharedStream: StreamContext | null = null;
let sharedName: string = "";

/** Whether HTTP and TCP filters may have the same name; turned off by `proxy-wasm build` for modules with one kind only. */
const BOTH_KINDS: bool = true;

/**
 * Makes `F` the HTTP filter of every plugin whose `root_id` is `rootId`; an empty `root_id` finds the only registered
 * filter. `R` holds the plugin's configuration.
 * @example registerHttp<MyFilter, MyRoot>("my-filter");
 */
export function registerHttp<F extends HttpFilter, R extends RootContext = PlainRoot>(rootId: string): void {
  if (BOTH_KINDS) {
    const same = findNamed(rootId);
    if (same != null) {
      same.createConnection = same.createStream;
      same.createStream = (): StreamContext => instantiate<F>();
      return;
    }
  }
  register<F, R>(rootId);
}

/**
 * The same for a filter of TCP connections (`envoy.filters.network.wasm`). Under the name of an HTTP filter it serves the
 * plugins of that name on TCP; both then have the root class that was registered first.
 * @example registerTcp<MyFilter, MyRoot>("my-filter");
 */
export function registerTcp<F extends TcpFilter, R extends RootContext = PlainRoot>(rootId: string): void {
  if (BOTH_KINDS) {
    const same = findNamed(rootId);
    if (same != null) {
      same.createConnection = (): StreamContext => instantiate<F>();
      return;
    }
  }
  register<F, R>(rootId);
}

function findNamed(rootId: string): Registration | null {
  let each = registrations;
  while (each != null && each.name != rootId) each = each.next;
  return each;
}

function register<F extends StreamContext, R extends RootContext>(rootId: string): void {
  if (SHARED) {
    sharedName = rootId;
    sharedStream = instantiate<F>();
  } else {
    registrations = new Registration(
      rootId,
      (): RootContext => instantiate<R>(),
      (): StreamContext => instantiate<F>(),
      registrations,
    );
  }
}

/** The context of a stream, or null when the proxy never announced it. */
export function streamContext(id: u32): StreamContext | null {
  if (!SHARED) return findStream(id);
  const stream = sharedStream;
  if (stream != null) stream.contextId = id;
  return stream;
}

/**
 * The context of a connection that has just come. Which kind a stream is, is not known before: a plugin of either kind
 * gets its TCP context here, in place of the HTTP one it was announced with.
 */
export function connectionContext(id: u32): StreamContext | null {
  const stream = streamContext(id);
  if (!BOTH_KINDS || stream == null) return stream;
  const create = stream.root.createConnection;
  if (create == null) return stream;
  const connection = create();
  connection.contextId = id;
  connection.rootContext = stream.rootContext;
  removeStream(id);
  addStream(connection);
  return connection;
}

/** Takes on a new plugin; false when its `root_id` is not registered (logged). */
export function startRoot(id: u32): bool {
  if (!SHARED) return rootContext(id) != null;
  readRootId();
  const known = rootIdSize == 0 || rootIdIs(sharedName);
  if (!known) refuse();
  return known;
}

/** The root context of that id, made on first sight; null when its `root_id` is not registered (logged). */
export function rootContext(id: u32): RootContext | null {
  const known = findRoot(id);
  if (known) return known;
  const registration = findRegistration();
  if (registration == null) return null;
  const root = registration.createRoot();
  root.contextId = id;
  root.rootId = registration.name;
  root.createStream = registration.createStream;
  if (BOTH_KINDS) root.createConnection = registration.createConnection;
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

let rootIdBytes: usize = 0;
let rootIdSize: usize = 0;

/** Asks the host which `root_id` the current plugin has; its bytes are good until the next hostcall. */
function readRootId(): void {
  const found = findProperty("plugin_root_id");
  rootIdBytes = load<usize>(OUT);
  rootIdSize = found ? load<usize>(OUT, 4) : 0;
}

function rootIdIs(name: string): bool {
  const bytes = encode(name, KEY, KEY_SIZE);
  if (encodedSize() != rootIdSize) return false;
  for (let i: usize = 0; i < rootIdSize; i++) {
    if (load<u8>(bytes + i) != load<u8>(rootIdBytes + i)) return false;
  }
  return true;
}

/** What was registered under the current plugin's `root_id`; null (logged) for nothing. */
function findRegistration(): Registration | null {
  readRootId();
  const first = registrations;
  if (rootIdSize == 0 && first != null && first.next == null) return first;
  let each = first;
  while (each != null && !rootIdIs(each.name)) each = each.next;
  if (each == null) refuse();
  return each;
}

function refuse(): void {
  takeLine();
  addText('root_id "');
  addBytes(rootIdBytes, rootIdSize);
  addText('" is unknown; registered: ');
  if (SHARED) addText(sharedName);
  else addNames(registrations);
  proxy_log(LogLevel.Error, LINE, takeLine());
}

/** In the order of registration: the list has the last one first. */
function addNames(registration: Registration | null): void {
  if (registration == null) return;
  addNames(registration.next);
  if (registration.next != null) addText(", ");
  addText(registration.name);
}
