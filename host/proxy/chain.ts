import type { StreamEnds } from "../stream/filter";
import type { FilterChain } from "../stream/filter-chain";

/** Puts the filters of a listener between the two ends of a new stream. */
export type ChainFactory = (ends: StreamEnds) => FilterChain;
