// A collector in the place of Zipkin or Jaeger: takes Zipkin v2 JSON and prints each trace as a tree.
import { once } from "node:events";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";

/**
 * @typedef {{
 *   traceId: string, id: string, parentId?: string, kind?: string, shared?: boolean, name?: string,
 *   timestamp?: number, duration?: number, localEndpoint?: { serviceName?: string }, tags?: Record<string, string>
 * }} Span
 */

const USAGE = `node examples/tracing/collector.mjs [PORT]

Listens on 127.0.0.1 (port 9411, or 0 for a free one) for POST /api/v2/spans and prints each trace
as a tree: service, name, kind, status, milliseconds. Ctrl-C ends it.`;

/** Sidecars send what they have every five seconds, each on its own: by then a trace is whole. */
const WAIT_MS = 6000;
const MAX_BODY = 1 << 20;
/** Beyond it traces are printed early. */
const MAX_SPANS = 5000;

/** Spans arrive as text of strangers: no control characters for the terminal. */
const plain = (/** @type {unknown} */ text) => String(text ?? "?").replace(/\p{Cc}/gu, "?");

/** The lines of one trace. @returns {string[]} */
export function tree(/** @type {Span[]} */ spans) {
  const inTime = spans.toSorted((a, b) => (a.timestamp ?? 0) - (b.timestamp ?? 0));
  // A shared span is told by both sides under one id; what the server calls is below the server's half.
  const [own, shared] = [false, true].map(
    (half) =>
      new Map(inTime.filter((span) => (span.shared ?? false) === half).map((span) => [span.id, span])),
  );
  const parent = (/** @type {Span} */ { id, parentId, shared: half }) =>
    (half && own.get(id)) || shared.get(parentId) || own.get(parentId);
  /** @type {Map<Span | undefined, Span[]>} */
  const children = new Map(); // Map.groupBy is not there in Node 20
  for (const span of inTime) {
    const siblings = children.get(parent(span));
    if (siblings) siblings.push(span);
    else children.set(parent(span), [span]);
  }
  const lines = [`trace ${plain(spans[0]?.traceId)}`];
  const seen = new Set();
  const print = (/** @type {Span} */ span, /** @type {number} */ depth) => {
    if (seen.has(span)) return;
    seen.add(span);
    const parts = [span.localEndpoint?.serviceName, span.name, span.kind, span.tags?.["http.status_code"]];
    const ms = ((span.duration ?? 0) / 1000).toFixed(1);
    lines.push(`${"  ".repeat(depth)}${parts.map(plain).join("  ")}  ${ms} ms`);
    for (const child of children.get(span) ?? []) print(child, depth + 1);
  };
  for (const root of children.get(undefined) ?? []) print(root, 1);
  // Spans that are each other's parents have no root.
  for (const span of inTime) print(span, 1);
  return lines;
}

/** @returns {Span[]} */
function parse(/** @type {string} */ text) {
  const spans = JSON.parse(text);
  const valid = (/** @type {any} */ span) => typeof span?.traceId === "string" && typeof span.id === "string";
  if (!Array.isArray(spans) || !spans.every(valid)) throw new SyntaxError("not a list of spans");
  return spans;
}

/** Traces that wait for the rest of their spans. */
class Traces {
  /** @type {Map<string, { spans: Span[], timer: NodeJS.Timeout }>} */
  waiting = new Map();
  size = 0;

  constructor(/** @type {(line: string) => void} */ print) {
    this.print = print;
  }

  add(/** @type {Span} */ span) {
    const { traceId } = span;
    const trace = this.waiting.get(traceId) ?? {
      spans: [],
      timer: setTimeout(() => this.end(traceId), WAIT_MS),
    };
    this.waiting.set(traceId, trace);
    trace.spans.push(span);
    if (++this.size > MAX_SPANS) this.endAll();
  }

  end(/** @type {string} */ traceId) {
    const { spans, timer } = this.waiting.get(traceId);
    clearTimeout(timer);
    this.waiting.delete(traceId);
    this.size -= spans.length;
    for (const line of tree(spans)) this.print(line);
  }

  endAll() {
    for (const traceId of [...this.waiting.keys()]) this.end(traceId);
  }
}

/** Listens on 127.0.0.1; port 0 takes a free one. `onSpan` sees each span as it came. */
export async function startCollector(/** @type {number} */ port, print = console.log, onSpan = (_) => {}) {
  const traces = new Traces(print);
  const server = createServer(async (request, response) => {
    const end = (/** @type {number} */ status) => response.writeHead(status).end();
    if (request.method !== "POST" || request.url !== "/api/v2/spans") return end(404);
    let body = "";
    try {
      for await (const chunk of request.setEncoding("utf8")) {
        body += chunk;
        if (body.length > MAX_BODY) return end(413);
      }
      for (const span of parse(body)) {
        onSpan(span);
        traces.add(span);
      }
      end(202);
    } catch (error) {
      // Otherwise it is who sends that went away.
      if (error instanceof SyntaxError) end(400);
    }
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    port: /** @type {import("node:net").AddressInfo} */ (server.address()).port,
    /** Prints what is left. */
    close() {
      server.close();
      server.closeAllConnections();
      traces.endAll();
    },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const argument = process.argv[2] ?? "9411";
  if (argument === "--help" || argument === "-h") console.log(USAGE);
  else if (!/^\d+$/.test(argument) || Number(argument) > 65535) {
    console.error(USAGE);
    process.exitCode = 2;
  } else {
    const collector = await startCollector(Number(argument));
    console.log(`the collector listens on 127.0.0.1:${collector.port}`);
    for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => collector.close());
  }
}
