import type { FieldPath } from "./path";
import type { RawFilterChain, RawListener } from "./schema/bootstrap";

/** A filter chain of a listener and where it stands. */
export interface PlacedChain {
  chain: RawFilterChain;
  at: FieldPath;
  /** It takes what no other chain does. */
  isDefault: boolean;
}

/** Every filter chain of a listener, in the order of the file, the default one last; `path` leads to the listener. */
export function chainsOf(listener: RawListener, path: FieldPath): PlacedChain[] {
  const { filter_chains: chains = [], default_filter_chain: last } = listener;
  const placed = chains.map((chain, i) => ({ chain, at: [...path, "filter_chains", i], isDefault: false }));
  return last ? [...placed, { chain: last, at: [...path, "default_filter_chain"], isDefault: true }] : placed;
}
