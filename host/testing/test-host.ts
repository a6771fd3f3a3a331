import { randomInt } from "node:crypto";
import { PluginConfigError, UnfinishedError, UsageError } from "../errors";
import type { Plugin } from "../plugin/plugin";
import { PluginRuntime } from "../plugin/plugin-runtime";
import { type ConnectionInit, TestConnection } from "./connection";
import { Exchange, type RequestInit } from "./exchange";
import { type MockAnswer, type MockCall, MockClusters, type MockHandler } from "./mock-clusters";
import { MockGrpc, type MockGrpcAnswer, type MockGrpcCall, type MockGrpcHandler } from "./mock-grpc";
import { type PluginSpec, pluginConfig } from "./plugin-spec";
import { seededChance, seededRandom } from "./random";
import { type LogEntry, RecordedLog } from "./recorded-log";
import { type Labels, type MetricSeries, RecordedMetrics } from "./recorded-metrics";
import { MAX_CALLBACK_MS, type TestHostOptions } from "./test-host-options";
import { VirtualClock } from "./virtual-clock";

/** Most lines of the trace that are kept. */
const MAX_TRACE = 10_000;

/**
 * Filters in the host that runs them in the Node proxy, without sockets: the test is the client, the upstream, the
 * clusters that filters call, and the clock.
 *
 * @example
 * const host = await TestHost.start({ plugins: { module: "filters/hello" } });
 * const exchange = host.request({ path: "/x", headers: { "user-agent": "me" } });
 * exchange.respond({ body: "hi" });
 * expect(exchange.response.headers?.get("x-hello")).toBe("world");
 * host.close();
 */
export class TestHost {
  readonly clock: VirtualClock;
  /** Hostcalls and callbacks, oldest first; the last 10 000. */
  readonly trace: string[] = [];
  readonly #open = new Set<Exchange | TestConnection>();
  #requests = 0;
  readonly #log: RecordedLog;
  readonly #metrics = new RecordedMetrics();
  readonly #clusters: MockClusters;
  readonly #services: MockGrpc;
  readonly #runtime: PluginRuntime;
  readonly #plugins: Plugin[] = [];
  readonly #requestIds: (target: Uint8Array) => void;
  readonly #bufferLimit: number;
  readonly #workers: number;
  readonly #chance: () => number;
  #closed = false;

  private constructor(
    options: TestHostOptions,
    readonly seed: number,
  ) {
    const { now, node = {}, clusters = {}, logLevel, bufferLimit = 1024 * 1024 } = options;
    const { random = seededRandom(seed), trace = true, services = {} } = options;
    const { names = {}, maxCallbackMs = MAX_CALLBACK_MS, workers = 1, contention = 0 } = options;
    this.clock = new VirtualClock(now && BigInt(now.getTime()) * 1_000_000n);
    this.#log = new RecordedLog(logLevel);
    this.#bufferLimit = bufferLimit;
    this.#requestIds = seededRandom(seed ^ 0x5eed);
    this.#workers = workers;
    this.#chance = seededChance(seed ^ 0x77);
    this.#clusters = new MockClusters(this.clock);
    for (const [name, handler] of Object.entries(clusters)) this.mockCluster(name, handler);
    this.#services = new MockGrpc(this.clock);
    for (const [name, handler] of Object.entries(services)) this.mockGrpc(name, handler);
    this.#runtime = new PluginRuntime({
      clock: this.clock,
      log: this.#log,
      stats: this.#metrics,
      caller: this.#clusters,
      grpcCaller: this.#services,
      names: {
        resolve: (name, onDone) =>
          this.clock.soon(() => onDone(Object.hasOwn(names, name) ? names[name] : [])),
      },
      node,
      random,
      concurrency: workers,
      ...(contention > 0 && { interferes: () => this.#chance() < contention }),
      maxCallbackMs: maxCallbackMs === 0 ? undefined : maxCallbackMs,
      ...(trace && { trace: { write: (line) => this.#keep(line), full: true } }),
    });
    this.#runtime.startWorkers();
  }

  /**
   * Loads the plugins and hands them their configurations.
   * @throws PluginConfigError with what the guest logged, when it refuses; BuildError, ModuleError
   */
  static async start(options: TestHostOptions): Promise<TestHost> {
    const host = new TestHost(options, options.seed ?? randomInt(2 ** 31));
    const specs = Array.isArray(options.plugins) ? options.plugins : [options.plugins];
    try {
      for (const spec of specs as PluginSpec[]) host.#plugins.push(await host.#load(spec));
    } catch (error) {
      host.abandon();
      throw error;
    }
    host.settle();
    return host;
  }

  async #load(spec: PluginSpec): Promise<Plugin> {
    const before = this.#log.entries.length;
    try {
      return await this.#runtime.load(await pluginConfig(spec));
    } catch (error) {
      if (!(error instanceof PluginConfigError)) throw error;
      const said = this.#log.entries.slice(before).map(logLine);
      throw new PluginConfigError([error.message, ...said].join("\n  "), { cause: error.cause });
    }
  }

  /**
   * Hands a plugin of its own a configuration, and answers what it says against it; undefined = it accepts. A plugin that
   * is accepted stays loaded, but outside the chain. Cheap for a module that is loaded already.
   * @throws PluginConfigError when the guest traps
   */
  async refusal(spec: PluginSpec): Promise<string | undefined> {
    try {
      await this.#load(spec);
      return undefined;
    } catch (error) {
      if (!(error instanceof PluginConfigError) || error.cause !== undefined) throw error;
      return error.message;
    }
  }

  // --- traffic

  /** Sends a request and lets the filters do what they can without time passing. */
  request(init: RequestInit = {}): Exchange {
    const limits = { requestBufferLimit: this.#bufferLimit, responseBufferLimit: this.#bufferLimit };
    const id = this.#requests++;
    const worker = this.#worker(init.worker);
    const filters = this.#plugins.map(({ threads }) => threads[worker]!.factory);
    const exchange = new Exchange(filters, this.clock, init, id, limits, {
      settle: () => this.settle(),
      over: () => void this.#open.delete(exchange),
    });
    this.#open.add(exchange);
    exchange.start(this.#requestId());
    this.settle();
    return exchange;
  }

  /** A client connects, and the same filters stand in a TCP listener's chain. */
  connect(init: ConnectionInit = {}): TestConnection {
    const worker = this.#worker(init.worker);
    const filters = this.#plugins.map(({ threads }) => threads[worker]!.networkFactory);
    const connection = new TestConnection(filters, this.clock, init, this.#requests++, {
      settle: () => this.settle(),
      over: () => void this.#open.delete(connection),
    });
    this.#open.add(connection);
    connection.start();
    this.settle();
    return connection;
  }

  #worker(given: number | undefined): number {
    const worker = given ?? Math.floor(this.#chance() * this.#workers);
    if (!Number.isInteger(worker) || worker < 0 || worker >= this.#workers)
      throw new UsageError(`worker ${worker} of ${this.#workers}: they count from 0`);
    return worker;
  }

  #requestId(): string {
    const bytes = Buffer.alloc(16);
    this.#requestIds(bytes);
    bytes[6] = (bytes[6]! & 0x0f) | 0x40;
    bytes[8] = (bytes[8]! & 0x3f) | 0x80;
    const hex = bytes.toString("hex");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  }

  /** Says what calls to a cluster get from now on. `"no host"` = the cluster is there, its hosts are not. */
  mockCluster(name: string, handler: MockHandler | MockAnswer | "no host"): void {
    this.#clusters.set(name, handler);
  }

  /** The same for gRPC: a handler gets a call when its message is there, a stream when it is open. */
  mockGrpc(cluster: string, handler: MockGrpcHandler | MockGrpcAnswer | "no host"): void {
    this.#services.set(cluster, handler);
  }

  /** Lets `ms` milliseconds pass: timers, timeouts and late answers come at their times. */
  advance(ms: number): void {
    this.clock.advance(ms);
  }

  /** Delivers what is due at this moment: queue notifications, answers to calls. */
  settle(): void {
    this.clock.settle();
  }

  // --- what came of it

  /** Log lines of guests and of the host about them, oldest first; with a pattern, those it matches. */
  logs(pattern: RegExp | string = ""): LogEntry[] {
    return this.#log.entries.filter(({ message }) =>
      typeof pattern === "string" ? message.includes(pattern) : pattern.test(message),
    );
  }

  /** Every series of guests' metrics. */
  get metrics(): MetricSeries[] {
    return this.#metrics.all;
  }

  /** Sum of a counter, level of a gauge, number of values of a histogram, over the series with these labels. */
  metric(name: string, labels?: Labels): number {
    return this.#metrics.value(name, labels);
  }

  /** Calls guests have made, oldest first; of one cluster, if named. */
  calls(cluster?: string): MockCall[] {
    return this.#clusters.calls.filter((call) => cluster === undefined || call.cluster === cluster);
  }

  /** Requests that are not over. */
  get open(): Exchange[] {
    return [...this.#open].filter((one) => one instanceof Exchange);
  }

  /** TCP connections that are not over. */
  get connections(): TestConnection[] {
    return [...this.#open].filter((one) => one instanceof TestConnection);
  }

  /** Bytes of memory the guests have, all instances together. */
  get guestMemory(): number {
    return this.#runtime.memoryBytes;
  }

  /** gRPC calls and streams of guests, oldest first; of one cluster, if named. */
  grpcCalls(cluster?: string): MockGrpcCall[] {
    return this.#services.calls.filter((call) => cluster === undefined || call.cluster === cluster);
  }

  /** A value of the shared data, as its VM id sees it. */
  sharedData(key: string, vmId = ""): Buffer | undefined {
    return this.#runtime.sharedData.get(vmId, key)?.value;
  }

  setSharedData(key: string, value: string | Buffer, vmId = ""): void {
    this.#runtime.sharedData.set(vmId, key, Buffer.from(value), 0);
  }

  /**
   * Removes the plugins: on_done, on_delete.
   * @throws UnfinishedError naming every request and call that is still open, and calls nobody has mocked
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const left = [
      ...[...this.#open].map((exchange) => `open: ${exchange}`),
      ...this.#clusters.open.map((call) => `open: ${call}`),
      ...this.#services.open.map((call) => `open: ${call}`),
      ...this.#services.unknown.map((name) => `a gRPC call to cluster "${name}", which no mockGrpc answers`),
      ...this.#clusters.unknown.map((name) => `a call to cluster "${name}", which no mockCluster answers`),
    ];
    this.#runtime.close();
    if (left.length > 0) throw new UnfinishedError(`${left.join("\n")}\n${this.story()}`);
  }

  /** Removes the plugins and says nothing of what is open. */
  abandon(): void {
    this.#closed = true;
    this.#runtime.close();
  }

  #keep(line: string): void {
    this.trace.push(line);
    if (this.trace.length > MAX_TRACE) this.trace.shift();
  }

  /** The end of the log and of the trace, for messages of failures. */
  story(lines = 40): string {
    return [
      `seed ${this.seed}`,
      ...(this.#log.entries.length > 0 ? ["log:", ...this.logs().slice(-lines).map(logLine)] : []),
      "trace:",
      ...this.trace.slice(-lines),
    ].join("\n  ");
  }
}

function logLine({ level, plugin, message }: LogEntry): string {
  return `[${level}]${plugin === "" ? "" : ` ${plugin}:`} ${message}`;
}
