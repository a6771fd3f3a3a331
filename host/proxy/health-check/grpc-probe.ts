import type { GrpcProbeConfig } from "../../config/model/health-check";
import { HeaderMap } from "../../stores/header-map";
import { healthRequest, healthStatus, SERVING } from "../../stores/protobuf/grpc-health";
import { FrameReader, frame } from "../clusters/grpc-frames";
import { grpcStatus, grpcTimeout } from "../clusters/grpc-headers";
import type { Host } from "../clusters/host";
import { openUpstream } from "../clusters/open-upstream";
import type { UpstreamEvents, UpstreamStream } from "../clusters/upstream-events";
import { mutateHeaders } from "../router/header-mutation";
import { checkScope } from "./check-facts";
import {
  checkAuthority,
  checkedHost,
  FAILURE,
  NETWORK_FAILURE,
  type Probe,
  type ProbeResult,
  type ProbeSetup,
  SUCCESS,
} from "./probe";

/** An answer is a few bytes. */
const MAX_MESSAGE = 64 * 1024;
const OK = 0;

/** Asks by grpc.health.v1.Health/Check. */
export class GrpcProbe implements Probe {
  private readonly host: Host;
  private readonly request: Buffer;
  private upstream: UpstreamStream | undefined;
  private frames = new FrameReader(MAX_MESSAGE);
  /** Undefined: no answer yet. */
  private status: number | undefined;
  private readonly events: UpstreamEvents = {
    onUpstreamReady() {},
    onUpstreamInformation() {},
    onUpstreamDrain() {},
    onUpstreamHeaders: (headers, endStream) => this.onHeaders(headers, endStream),
    onUpstreamData: (chunk, endStream) => this.onData(chunk, endStream),
    onUpstreamTrailers: (trailers) => this.end(this.verdict(trailers)),
    onUpstreamReset: () => this.end(NETWORK_FAILURE),
    onUpstreamBug: (error) => this.setup.onBug(error),
  };

  constructor(private readonly setup: ProbeSetup<GrpcProbeConfig>) {
    this.host = checkedHost(setup, setup.config.http2);
    this.request = frame(Buffer.from(healthRequest(setup.config.serviceName)));
  }

  start(): void {
    const { config, cluster, quiet, check } = this.setup;
    const headers = HeaderMap.of("request", [
      [":method", "POST"],
      [":path", "/grpc.health.v1.Health/Check"],
      [":authority", checkAuthority(this.setup, config.authority)],
      [":scheme", cluster.tls ? "https" : "http"],
      ["te", "trailers"],
      ["content-type", "application/grpc"],
      ["user-agent", "Envoy/HC"],
    ]);
    mutateHeaders(headers, [config.metadata], checkScope(this.setup.host, "HTTP/2"));
    headers.set("grpc-timeout", grpcTimeout(check.timeoutMs));
    this.upstream = openUpstream(quiet, this.host, headers, false, this.events);
    this.upstream.write(this.request);
    this.upstream.end();
  }

  private onHeaders(headers: HeaderMap, endStream: boolean): void {
    const good = headers.get(":status") === "200" && isGrpc(headers.get("content-type") ?? "");
    // A head that is all there is has no answer in it, whatever its status.
    if (!good || endStream) this.end(FAILURE);
  }

  private onData(chunk: Buffer, endStream: boolean): void {
    const { messages, fault } = this.frames.read(chunk);
    for (const message of messages) {
      if (message.length === 0) continue;
      const status = healthStatus(message);
      if (this.status !== undefined || status === undefined) return this.end(FAILURE);
      this.status = status;
    }
    // Without trailers there is no telling whether the call went well.
    if (fault || endStream) this.end(FAILURE);
  }

  private verdict(trailers: HeaderMap): ProbeResult {
    return grpcStatus(trailers) === OK && this.status === SERVING ? SUCCESS : FAILURE;
  }

  private end(result: ProbeResult): void {
    this.forget();
    this.setup.onResult(result);
  }

  private forget(): void {
    const { upstream } = this;
    this.upstream = undefined;
    this.frames = new FrameReader(MAX_MESSAGE);
    this.status = undefined;
    // Nothing happens when it is over.
    upstream?.cancel();
  }

  abort(): void {
    this.forget();
  }

  close(): void {
    this.forget();
    this.host.close();
  }
}

const isGrpc = (type: string) => type === "application/grpc" || type.startsWith("application/grpc+");
