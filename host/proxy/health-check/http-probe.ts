import type { HttpProbeConfig, StatusRange } from "../../config/model/health-check";
import { HeaderMap } from "../../stores/header-map";
import type { Host } from "../clusters/host";
import { openUpstream } from "../clusters/open-upstream";
import type { UpstreamEvents, UpstreamStream } from "../clusters/upstream-events";
import { mutateHeaders } from "../router/header-mutation";
import { type TextTest, textTest } from "../router/matchers";
import { checkScope } from "./check-facts";
import { containsInOrder } from "./payload";
import {
  checkAuthority,
  checkedHost,
  FAILURE,
  NETWORK_FAILURE,
  type Probe,
  type ProbeResult,
  type ProbeSetup,
} from "./probe";

const within = (status: number, ranges: readonly StatusRange[]) =>
  ranges.some(({ start, end }) => status >= start && status < end);

/** Asks by an HTTP request. */
export class HttpProbe implements Probe {
  private readonly host: Host;
  private readonly serviceName: TextTest | undefined;
  private upstream: UpstreamStream | undefined;
  private head: HeaderMap | undefined;
  private body: Buffer[] = [];
  private kept = 0;
  private readonly events: UpstreamEvents = {
    onUpstreamReady() {},
    onUpstreamInformation() {},
    onUpstreamDrain() {},
    onUpstreamHeaders: (headers, endStream) => {
      this.head = headers;
      if (endStream) this.complete();
    },
    onUpstreamData: (chunk, endStream) => {
      this.keep(chunk);
      if (endStream) this.complete();
    },
    onUpstreamTrailers: () => this.complete(),
    onUpstreamReset: () => this.end(NETWORK_FAILURE),
    onUpstreamBug: (error) => this.setup.onBug(error),
  };

  constructor(private readonly setup: ProbeSetup<HttpProbeConfig>) {
    const { serviceName, http2 } = setup.config;
    this.host = checkedHost(setup, http2);
    if (serviceName) this.serviceName = textTest(serviceName.kind, serviceName.value, serviceName.ignoreCase);
  }

  start(): void {
    const { config, cluster, quiet } = this.setup;
    const headers = HeaderMap.of("request", [
      [":method", config.method],
      [":path", config.path],
      [":scheme", cluster.tls ? "https" : "http"],
      [":authority", checkAuthority(this.setup, config.host)],
      ["user-agent", "Envoy/HC"],
    ]);
    mutateHeaders(
      headers,
      [config.mutation],
      checkScope(this.setup.host, config.http2 ? "HTTP/2" : "HTTP/1.1"),
    );
    this.upstream = openUpstream(quiet, this.host, headers, true, this.events);
  }

  /** A host may send for as long as the check may take: no more is kept than is looked through. */
  private keep(chunk: Buffer): void {
    const { receive, bodyLimit } = this.setup.config;
    if (receive.length === 0 || (bodyLimit > 0 && this.kept >= bodyLimit)) return;
    this.body.push(chunk);
    this.kept += chunk.length;
  }

  private complete(): void {
    const { head } = this;
    this.end(head ? this.judge(Number(head.get(":status")), head) : NETWORK_FAILURE);
  }

  private judge(status: number, head: HeaderMap): ProbeResult {
    const { config, stats } = this.setup;
    const excluded = head.has("x-envoy-immediate-health-check-fail");
    if (config.receive.length > 0 && !containsInOrder(this.bodySeen(), config.receive))
      return { ...FAILURE, excluded, status };
    if (!within(status, config.expected))
      return { ...FAILURE, excluded, status, retriable: within(status, config.retriable) };
    if (this.serviceName) {
      stats.verifyCluster.inc();
      if (!this.serviceName(head.get("x-envoy-upstream-healthchecked-cluster") ?? ""))
        return { ...FAILURE, status };
    }
    return { healthy: true, degraded: head.has("x-envoy-degraded") };
  }

  private bodySeen(): Buffer {
    const whole = Buffer.concat(this.body);
    const { bodyLimit } = this.setup.config;
    return bodyLimit > 0 ? whole.subarray(0, bodyLimit) : whole;
  }

  private end(result: ProbeResult): void {
    this.forget();
    this.setup.onResult(result);
  }

  private forget(): void {
    this.upstream = undefined;
    this.head = undefined;
    this.body = [];
    this.kept = 0;
  }

  /** The connection is given up with the check. */
  abort(): void {
    this.upstream?.cancel();
    this.forget();
    this.host.http2?.close();
  }

  close(): void {
    this.abort();
    this.host.close();
  }
}
