import type { HealthCheckConfig } from "../../config/model/health-check";
import type { LogFile } from "../access-log/log-file";
import type { Host } from "../clusters/host";
import { HealthFlag } from "../clusters/host-health";
import type { CheckFailure } from "./check-state";

const TYPES = { http: "HTTP", tcp: "TCP", grpc: "GRPC" } as const;
const FAILURES: Readonly<Record<CheckFailure, string>> = {
  active: "ACTIVE",
  network: "NETWORK",
  timeout: "NETWORK_TIMEOUT",
  passive: "PASSIVE",
};

/** One event: the fields that come before its time, and those behind it. */
interface CheckEvent {
  before?: Record<string, unknown>;
  after?: Record<string, unknown>;
  /** Comes last of all. */
  last?: Record<string, unknown>;
}

/** Writes `envoy.data.core.v3.HealthCheckEvent`s of one cluster, a line each, as Envoy writes them. */
export class CheckEvents {
  private readonly files: readonly LogFile[];

  /** Throws StartError when a file cannot be opened. */
  constructor(
    private readonly check: HealthCheckConfig,
    private readonly clusterName: string,
    open: (path: string) => LogFile,
  ) {
    this.files = check.events.files.map(open);
  }

  /** @param before the host's flags before the check */
  succeeded(host: Host, { first, before }: { first: boolean; before: number }): void {
    const turned = (flag: HealthFlag) => ((before & flag) !== 0) !== host.has(flag);
    const recovered = turned(HealthFlag.FailedActiveHc);
    if (recovered) this.write(host, { before: { add_healthy_event: { first_check: first } } });
    else if (this.check.events.alwaysSuccess)
      this.write(host, { last: { successful_health_check_event: {} } });
    if (!turned(HealthFlag.DegradedActiveHc)) return;
    const name = host.has(HealthFlag.DegradedActiveHc) ? "degraded_healthy_host" : "no_longer_degraded_host";
    this.write(host, { after: { [name]: {} } });
  }

  /** @param status what an HTTP host has answered */
  failed(
    host: Host,
    failure: CheckFailure,
    { first, ejected, status }: { first: boolean; ejected: boolean; status: number },
  ): void {
    const type = { failure_type: FAILURES[failure] };
    const code = { http_status_code: status };
    if (ejected) this.write(host, { before: { eject_unhealthy_event: { ...type, ...code } } });
    if (first || this.check.events.alwaysFailures)
      this.write(host, { after: { health_check_failure_event: { ...type, first_check: first, ...code } } });
  }

  private write(host: Host, { before, after, last }: CheckEvent): void {
    const { region, zone, subZone } = host.endpoint.locality;
    const line = JSON.stringify({
      health_checker_type: TYPES[this.check.probe.kind],
      host: {
        socket_address: {
          protocol: "TCP",
          address: host.address,
          port_value: host.port,
          resolver_name: "",
          ipv4_compat: false,
          network_namespace_filepath: "",
        },
      },
      cluster_name: this.clusterName,
      ...before,
      timestamp: new Date().toISOString(),
      ...after,
      locality: { region, zone, sub_zone: subZone },
      ...last,
    });
    // Files take bytes as characters.
    const bytes = Buffer.from(`${line}\n`).toString("latin1");
    for (const file of this.files) file.write(bytes);
  }
}
