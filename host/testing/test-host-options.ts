import type { LogLevel } from "../../sdk/abi/log-level";
import type { MockAnswer, MockHandler } from "./mock-clusters";
import type { MockGrpcAnswer, MockGrpcHandler } from "./mock-grpc";
import type { PluginSpec } from "./plugin-spec";

export interface TestHostOptions {
  /** The filters of the chain, in order. */
  plugins: PluginSpec | readonly PluginSpec[];
  /** What calls to each cluster get; more with {@link TestHost.mockCluster}. */
  clusters?: Readonly<Record<string, MockHandler | MockAnswer | "no host">>;
  /** What gRPC calls and streams to each cluster get; more with {@link TestHost.mockGrpc}. */
  services?: Readonly<Record<string, MockGrpcHandler | MockGrpcAnswer | "no host">>;
  /** Addresses of hosts, for `envoy_resolve_dns`; any other name has none. */
  names?: Readonly<Record<string, readonly string[]>>;
  /** The bootstrap's `node`, which filters read as `xds.node`. */
  node?: object;
  /** Where random numbers start; default: another one each time, told in failures. */
  seed?: number;
  /** Fills what guests ask random bytes for, in place of the seeded generator. */
  random?: (target: Uint8Array) => void;
  /** The wall clock at the start; time passes only by {@link TestHost.advance}. */
  now?: Date;
  /** Lowest level that is kept and that the guest is told of; default trace. */
  logLevel?: LogLevel;
  /** Keep a trace of callbacks and hostcalls; default true. Without it a host is several times as fast. */
  trace?: boolean;
  /** How long a callback may run, real milliseconds; default 2000, 0 = for ever. A longer one is a trap. */
  maxCallbackMs?: number;
  /**
   * Worker threads, each with instances of its own; default 1. Streams go to one after the other as the seed says, or to the
   * `worker` they name. What they share is shared data, queues and metrics, as in Envoy.
   */
  workers?: number;
  /**
   * How likely another worker gets in between a guest's read of shared data and its write, from 0 (the default) to below 1:
   * the write is refused, `CasMismatch`.
   */
  contention?: number;
  /** Bytes a filter may hold of a body before 413 or 500; default 1 MiB. */
  bufferLimit?: number;
}

/** No callback of a filter takes that long, however busy the machine; below the time a test may take. */
export const MAX_CALLBACK_MS = 2000;
