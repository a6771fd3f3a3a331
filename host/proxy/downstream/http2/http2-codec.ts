import { performServerHandshake, type ServerSessionOptions } from "node:http2";
import type { Http2Config } from "../../../config/model";
import type { StatsStore } from "../../stats/store";
import { createUnderscoreStats, type UnderscoreStats } from "../../underscores";
import type { DownstreamConnection } from "../connection";
import type { ConnectionManager } from "../connection-manager";
import { Http2Connection } from "./http2-connection";
import { createHttp2Stats, type Http2Stats } from "./http2-stats";
import { forgiveUnaskedAcks } from "./unasked-acks";

/**
 * What node:http2 itself lets through, in bytes and lines; it answers what is beyond with ENHANCE_YOUR_CALM. Envoy's
 * narrower limits come after these and are answered as Envoy does.
 */
const TIMES = 2;
const MAX_HEADER_LIST_BYTES = 128 * 1024;
const MAX_HEADER_LIST_PAIRS = 1000;

/**
 * Megabytes of a connection's frames, those waiting to be sent included; beyond it node:http2 refuses streams. What a
 * thousand slow readers are owed is bounded by the buffers of their streams.
 */
const MAX_SESSION_MEMORY = 1024;

/** Speaks HTTP/2 on the connections it is given. */
export class Http2Codec {
  private readonly stats: Http2Stats;
  private readonly options: ServerSessionOptions;
  private readonly windowSize: number;
  private readonly underscores: UnderscoreStats;

  constructor(
    private readonly manager: ConnectionManager,
    options: Http2Config,
    store: StatsStore,
  ) {
    this.stats = createHttp2Stats(store);
    this.windowSize = options.connectionWindow;
    this.underscores = createUnderscoreStats(store, "http2");
    const { limits } = manager.config.codec;
    this.options = {
      maxHeaderListPairs: Math.max(MAX_HEADER_LIST_PAIRS, TIMES * limits.count),
      maxSessionMemory: MAX_SESSION_MEMORY,
      // As they came: two lines of a name that should stand once, blanks around a value.
      strictSingleValueFields: false,
      strictFieldWhitespaceValidation: false,
      settings: {
        ...(options.allowConnect && { enableConnectProtocol: true }),
        headerTableSize: options.tableSize,
        initialWindowSize: options.streamWindow,
        maxConcurrentStreams: options.maxConcurrentStreams,
        maxHeaderListSize: Math.max(MAX_HEADER_LIST_BYTES, TIMES * limits.bytes),
      },
    };
  }

  /** Takes over a connection. */
  accept(base: DownstreamConnection): void {
    const { manager } = this;
    const { stats } = manager;
    const { socket } = base;
    stats.downstream_cx_http2_total.inc();
    stats.downstream_cx_http2_active.add(1);
    socket.once("close", () => stats.downstream_cx_http2_active.add(-1));
    // Half a connection is of no use to HTTP/2.
    socket.allowHalfOpen = false;
    const session = performServerHandshake(socket, this.options);
    session.setLocalWindowSize(this.windowSize);
    forgiveUnaskedAcks(session);
    base.codec = new Http2Connection(manager, base, session, this.stats, this.underscores);
  }
}
