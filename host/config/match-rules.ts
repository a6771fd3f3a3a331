import type { RawCidr, RawMatch } from "./schema/filter-chain";

/** Above this nobody writes matches by hand, and comparing them all would take long. */
const MAX_RULES = 10_000;

const range = ({ address_prefix, prefix_len = 0 }: RawCidr): string => `${address_prefix}/${prefix_len}`;
const orAny = (keys: readonly string[]): readonly string[] => (keys.length > 0 ? keys : [""]);

/** Every single rule that a match stands for, as text: two chains with one in common overlap. */
export function matchRules(match: RawMatch): string[] {
  const parts = [
    [String(match.destination_port ?? "")],
    orAny((match.prefix_ranges ?? []).map(range)),
    orAny(match.server_names ?? []),
    [match.transport_protocol ?? ""],
    orAny(match.application_protocols ?? []),
    orAny((match.direct_source_prefix_ranges ?? []).map(range)),
    [match.source_type ?? "ANY"],
    orAny((match.source_prefix_ranges ?? []).map(range)),
    orAny((match.source_ports ?? []).map(String)),
  ];
  let rules = [""];
  for (const part of parts) {
    if (rules.length * part.length > MAX_RULES) return rules;
    rules = rules.flatMap((rule) => part.map((key) => `${rule}|${key}`));
  }
  return rules;
}
