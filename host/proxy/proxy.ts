import { LogLevel } from "../../sdk/abi/log-level";
import type { Clock } from "../clock";
import type { Bootstrap, ListenerConfig } from "../config/model";
import type { ListenerAddress, RunningEngine } from "../engine";
import type { Logger } from "../log";
import { LogFiles } from "./access-log/log-files";
import { AdminServer, type AdminState } from "./admin/admin-server";
import { bugReporter } from "./bug-reporter";
import type { ChainFactory } from "./chain";
import { ClusterManager } from "./clusters/cluster-manager";
import { ClusterGrpcCaller } from "./clusters/grpc-calls";
import { ClusterHttpCaller } from "./clusters/http-calls";
import type { OnBug } from "./contain";
import { createService, type ServiceDeps } from "./create-service";
import type { ListenerFilters, LoadedFilters } from "./listener-filters";
import { type ServerState, ServerStats } from "./server-stats";
import { StatsStore } from "./stats/store";
import { TagExtraction } from "./stats/tags";
import { CertificateFiles, type Reloadable } from "./tls/certificate-files";
import { type Change, together } from "./update/change";
import { clusterPrints, fixedPrint } from "./update/fingerprint";
import { ListenerManager } from "./update/listener-manager";

const NO_FILTERS: ListenerFilters = { http: [], loggers: [], network: [] };

/** What a proxy is built from, besides its file. */
export interface ProxyDeps {
  clock: Clock;
  log: Logger;
  concurrency: number;
  /** Milliseconds until lines of access logs are in their files at the latest; default 10 s, as Envoy's. */
  logFlushMs?: number | undefined;
  /** Makes the filters of filter chains, in their order: of all before any listener binds, later of those that are new. */
  loadFilters(proxy: NodeProxy, chains: readonly ListenerConfig[]): Promise<readonly LoadedFilters[]>;
  /** Puts filters around a stream. */
  chainFactory(filters: ListenerFilters, bufferLimit: number, listener: string): ChainFactory;
  /** Filters and their timers end. */
  closeFilters(): void;
}

const SOURCE = "host/proxy/proxy.ts";

/** The Node reference proxy for one bootstrap file. */
export class NodeProxy implements RunningEngine {
  readonly engine = "node";
  readonly store = new StatsStore();
  readonly clusters: ClusterManager;
  readonly logFiles: LogFiles;
  readonly caller: ClusterHttpCaller;
  readonly grpcCaller: ClusterGrpcCaller;
  /** What `/healthcheck/fail` and `/healthcheck/ok` of the admin interface have said. */
  readonly health = { failed: false };
  readonly ended: Promise<{ code: number; reason: string }>;
  /** Set by who knows the file. */
  reload?: RunningEngine["reload"];
  private current: Bootstrap;
  private readonly onBug: OnBug;
  private readonly tags: TagExtraction;
  private readonly manager: ListenerManager;
  private readonly startedAt = performance.now();
  private readonly serverStats = new ServerStats(this.store, this.startedAt);
  private state: ServerState = "PRE_INITIALIZING";
  private adminServer: AdminServer | undefined;
  private flushTimer: NodeJS.Timeout | undefined;
  private certificates: CertificateFiles | undefined;
  private resolveEnded!: (end: { code: number; reason: string }) => void;
  private stopping: Promise<void> | undefined;
  private closed = false;

  constructor(
    bootstrap: Bootstrap,
    private readonly deps: ProxyDeps,
  ) {
    this.current = bootstrap;
    this.logFiles = new LogFiles(this.store, deps.logFlushMs);
    this.onBug = bugReporter(deps.log);
    this.clusters = new ClusterManager(
      bootstrap.clusters,
      this.store,
      this.onBug,
      clusterPrints(bootstrap.raw),
      (path) => this.logFiles.open(path),
    );
    this.manager = new ListenerManager({
      store: this.store,
      onBug: this.onBug,
      loadFilters: (chains) => deps.loadFilters(this, chains),
      createService: (chain, loaded) =>
        createService(chain, loaded?.filters ?? NO_FILTERS, this.serviceDeps()),
    });
    this.caller = new ClusterHttpCaller(this.clusters, this.onBug);
    this.grpcCaller = new ClusterGrpcCaller(this.clusters, this.onBug);
    this.tags = new TagExtraction(bootstrap.statsTags, bootstrap.useDefaultTags);
    this.ended = new Promise((resolve) => {
      this.resolveEnded = resolve;
    });
  }

  /** The file as it is served. */
  get bootstrap(): Bootstrap {
    return this.current;
  }

  get admin(): { host: string; port: number } | undefined {
    return this.adminServer?.address;
  }

  get listeners(): readonly ListenerAddress[] {
    return this.manager.listeners.map((l) => l.address);
  }

  /** Admin first, so that `/ready` can say "not yet"; then clusters, filters, listeners. Cleans up when it fails. */
  async start(): Promise<void> {
    try {
      await this.startAll();
    } catch (error) {
      this.close(1, "failed to start");
      throw error;
    }
  }

  private async startAll(): Promise<void> {
    const { bootstrap, deps } = this;
    this.setState("PRE_INITIALIZING");
    if (bootstrap.admin) {
      const admin = new AdminServer(bootstrap.admin, this.adminState());
      await admin.listen();
      this.adminServer = admin;
      deps.log.log(
        "admin",
        LogLevel.Info,
        SOURCE,
        `admin address: ${admin.address.host}:${admin.address.port}`,
      );
    }
    await this.clusters.start();
    this.setState("INITIALIZING");
    await this.manager.start(bootstrap);
    this.watchCertificates();
    this.serverStats.started();
    this.flushTimer = setInterval(() => {
      this.serverStats.setState(this.shownState);
      this.store.flush();
    }, bootstrap.statsFlushIntervalMs);
    this.setState("LIVE");
    deps.log.log("main", LogLevel.Info, SOURCE, "all listeners are up, starting to serve");
  }

  /** A proxy that was declared unwell says that it is about to go. */
  private get shownState(): ServerState {
    return this.state === "LIVE" && this.health.failed ? "DRAINING" : this.state;
  }

  private serviceDeps(): ServiceDeps {
    const { store, clusters, caller, logFiles, health, onBug, bootstrap, deps } = this;
    const { clock, chainFactory } = deps;
    return { clock, store, clusters, caller, logFiles, node: bootstrap.node, health, onBug, chainFactory };
  }

  /**
   * Puts another version of the file in place, in-flight requests and connections untouched: answers what was changed, or
   * "restart" when it cannot be done in a running proxy. Rejects with ConfigError or StartError, and then nothing has changed.
   */
  async update(next: Bootstrap): Promise<readonly string[] | "restart"> {
    if (fixedPrint(next.raw) !== fixedPrint(this.current.raw)) return "restart";
    const clusters = await this.clusters.prepare(next.clusters, clusterPrints(next.raw));
    let listeners: Change | "restart" = "restart";
    try {
      listeners = await this.manager.prepare(next);
    } finally {
      if (listeners === "restart") clusters.drop();
    }
    if (listeners === "restart") return "restart";
    const change = together([clusters, listeners]);
    if (this.closed || this.stopping) {
      change.drop();
      return [];
    }
    change.commit();
    this.current = next;
    this.certificates?.follow(this.certified());
    return change.names;
  }

  private certified(): Reloadable[] {
    const hosts = [...this.clusters.clusters.values()].flatMap(({ tls }) => (tls ? [tls] : []));
    return [...this.manager.tls, ...hosts];
  }

  private watchCertificates(): void {
    const { log } = this.deps;
    this.certificates = new CertificateFiles(this.certified(), (files, error) => {
      const names = files.join(", ");
      if (error === undefined)
        return log.log("config", LogLevel.Info, SOURCE, `certificates read again: ${names}`);
      const why = `${names}: ${(error as Error).message}`;
      log.log("config", LogLevel.Warn, SOURCE, `certificates not read again, those from before stay: ${why}`);
    });
  }

  private setState(state: ServerState): void {
    this.state = state;
    this.serverStats.setState(state);
  }

  private adminState(): AdminState {
    const { deps } = this;
    const proxy = this;
    return {
      get bootstrap() {
        return proxy.current;
      },
      store: this.store,
      tags: this.tags,
      clusters: this.clusters,
      get listeners() {
        return proxy.manager.listeners;
      },
      log: deps.log,
      startedAt: this.startedAt,
      options: { configPath: this.bootstrap.file, concurrency: deps.concurrency },
      state: () => this.shownState,
      failHealth: (failed) => {
        this.health.failed = failed;
        this.serverStats.setLive(this.shownState);
      },
      refreshStats: () => this.refreshStats(),
      // After the answer has left.
      reopenLogs: () => this.reopenLogs(),
      quit: () => void setImmediate(() => void this.stop()),
    };
  }

  private refreshStats(): void {
    this.serverStats.refresh(this.connectionCount());
    for (const listener of this.manager.all) listener.countBytes();
    for (const cluster of this.clusters.clusters.values()) {
      for (const host of cluster.hosts) host.connector.countBytes();
    }
  }

  private connectionCount(): number {
    return this.manager.all.reduce((sum, { connections }) => sum + connections, 0);
  }

  stop(drainMs = 10_000): Promise<void> {
    this.stopping ??= this.drainAndClose(drainMs);
    return this.stopping;
  }

  private async drainAndClose(drainMs: number): Promise<void> {
    this.setState("DRAINING");
    this.deps.log.log("main", LogLevel.Info, SOURCE, "shutting down: draining connections");
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, drainMs);
    });
    await Promise.race([this.manager.drain(), timeout]);
    clearTimeout(timer);
    this.close(0, "stopped");
  }

  reopenLogs(): void {
    this.logFiles.reopen();
  }

  async kill(): Promise<void> {
    this.close(0, "killed");
  }

  private close(code: number, reason: string): void {
    if (this.closed) return;
    this.closed = true;
    clearInterval(this.flushTimer);
    this.certificates?.close();
    this.manager.kill();
    this.deps.closeFilters();
    this.caller.close();
    this.grpcCaller.close();
    this.clusters.close();
    this.adminServer?.close();
    this.logFiles.close();
    if (code === 0) this.deps.log.log("main", LogLevel.Info, SOURCE, `exiting: ${reason}`);
    this.resolveEnded({ code, reason });
  }
}
