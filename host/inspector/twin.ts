import type { EngineOptions, RunningEngine } from "../engine";
import { envoyEngine } from "../envoy/index";
import { UsageError } from "../errors";
import { exchange, type SeenResponse } from "../testing/scenario/client";
import type { Comparison, Pair } from "./model";
import type { RecordedStream } from "./recorded-stream";

/** Given anew by each proxy on the way in. */
const MADE = new Set([
  "x-request-id",
  "x-forwarded-proto",
  "transfer-encoding",
  "content-length",
  "connection",
]);
/** Put on the response when it has left the filters; what was recorded has not got them yet. */
const LATER = new Set(["date", "server", "transfer-encoding", "connection"]);
/** Differ from answer to answer. */
const VARYING = new Set(["x-envoy-upstream-service-time", "x-request-id"]);

const text = (latin1: string) => Buffer.from(latin1, "latin1").toString();

/** A real Envoy with the same file on ports of its own, started when it is first asked for. */
export class EnvoyTwin {
  private running: Promise<RunningEngine> | undefined;

  /** @param ports `--set` overrides that give every listener of the file a free port */
  constructor(
    private readonly options: EngineOptions,
    private readonly ports: readonly string[],
  ) {}

  /**
   * Sends the stream's request once more, to Envoy. Throws UsageError when it was not kept whole; rejects with StartError
   * when there is no Envoy, or it does not take the file.
   */
  async compare(stream: RecordedStream): Promise<Comparison> {
    const { request, response, listener } = stream;
    const body = request.body;
    if (!request.ended || body === undefined)
      throw new UsageError("the request was not kept whole, so it cannot be sent again");
    if (!response.headers) throw new UsageError("there is no response yet to compare with");
    this.running ??= envoyEngine.start({
      ...this.options,
      set: [...(this.options.set ?? []), ...this.ports],
      concurrency: 1,
      writeLog: () => {},
    });
    // The next question tries again.
    this.running.catch(() => {
      this.running = undefined;
    });
    const { listeners } = await this.running;
    const port = listeners.find(({ name }) => name === listener)?.port ?? listeners[0]!.port;
    const headers = Object.fromEntries(
      (request.headers ?? [])
        .filter(([name]) => !name.startsWith(":") && !MADE.has(name))
        .map(([name]) => [name, request.headers!.filter(([each]) => each === name).map(([, v]) => text(v))]),
    );
    const seen = await exchange(port, {
      request: {
        method: request.get(":method") ?? "GET",
        path: text(request.get(":path") ?? "/"),
        host: text(request.get(":authority") ?? ""),
        headers,
        ...(body.length > 0 && { body: body.toString() }),
      },
      expect: {},
    });
    return { rows: rows(stream, seen) };
  }

  /** Ends the Envoy, if one was started. */
  async close(): Promise<void> {
    const running = await this.running?.catch(() => undefined);
    await running?.kill();
  }
}

const ABSENT = "(absent)";

function rows({ response }: RecordedStream, seen: SeenResponse | "cut"): Comparison["rows"] {
  const node: Pair[] = (response.headers ?? []).map(([name, value]) => [name, text(value)]);
  if (seen === "cut")
    return [{ what: "response", node: response.get(":status") ?? "", envoy: "cut", same: false }];
  const row = (what: string, a: string, b: string) => ({ what, node: a, envoy: b, same: a === b });
  const values = (list: readonly Pair[], name: string) =>
    list
      .filter(([each]) => each === name)
      .map(([, value]) => value)
      .join("\n") || ABSENT;
  const names = [...new Set([...node, ...seen.headers].map(([name]) => name))]
    .filter((name) => !name.startsWith(":") && !LATER.has(name))
    .sort();
  return [
    row("status", response.get(":status") ?? "", String(seen.status)),
    ...names.map((name) => {
      const both = row(name, values(node, name), values(seen.headers, name));
      return VARYING.has(name) ? { ...both, same: (both.node === ABSENT) === (both.envoy === ABSENT) } : both;
    }),
    row("body", response.body?.toString() ?? "(too long to keep)", seen.body),
  ];
}
