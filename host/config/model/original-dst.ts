/** `original_dst_lb_config` of an ORIGINAL_DST cluster: requests name their host themselves. */
export interface OriginalDstConfig {
  /** The header that has the host's address, lower-case. */
  header: string;
  /** In place of the port that the request names. */
  port: number | undefined;
  /** Milliseconds between two looks for hosts that nobody has asked for. */
  cleanupMs: number;
}
