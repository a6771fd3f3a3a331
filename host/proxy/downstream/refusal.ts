import type { HttpStats } from "./http-stats";

/** Why a request is not served, decided before any filter runs. */
export interface Refusal {
  status: number;
  details: string;
  /** Said by the codec: the reply's text is its status, and no request is known. */
  codec: boolean;
  /** Where the client is sent instead. */
  location?: string;
}

/** Counts a path that the connection manager refuses. */
export function countPathError({ details, location }: Refusal, stats: HttpStats): void {
  if (location !== undefined) stats.downstream_rq_redirected_with_normalized_path.inc();
  else if (details === "path_normalization_failed") stats.downstream_rq_failed_path_normalization.inc();
  if (details === "absolute_path_rejected") stats.downstream_rq_non_relative_path.inc();
}
