import { RE2JS } from "re2js";
import { rule } from "./message";
import { requiredText } from "./scalars";

/** A prefix that ends where a segment of the path does. */
export const pathSeparatedPrefix = requiredText
  .regex(/^\/[^?#]+[^?#/]$/, 'must begin with "/", end otherwise, and have no "?" or "#"')
  .meta({ type: "string" });

/** A substitution names groups of its pattern alone: `\\0` is everything, `\\1` the first. */
export const groupsExist = rule<{ pattern?: { regex?: unknown }; substitution?: unknown }>((value, fail) => {
  const { pattern, substitution } = value;
  if (typeof substitution !== "string" || typeof pattern?.regex !== "string") return;
  let groups: number;
  try {
    groups = RE2JS.compile(pattern.regex).groupCount();
  } catch {
    return;
  }
  for (const [, code] of substitution.matchAll(/\\(.?)/gs)) {
    if (code === "\\") continue;
    if (!/^\d$/.test(code!)) fail(`after a backslash comes a digit or a backslash`, ["substitution"]);
    else if (Number(code) > groups) fail(`\\${code}: groups go up to \\${groups}`, ["substitution"]);
  }
});

const MAX_WEIGHT = 4_294_967_295;

interface Weighted {
  clusters?: { weight?: unknown }[];
  total_weight?: unknown;
}

export const weightsAddUp = rule<Weighted>(({ clusters, total_weight: total }, fail) => {
  if (!Array.isArray(clusters)) return;
  const weights = clusters.map((cluster) => (typeof cluster?.weight === "number" ? cluster.weight : 0));
  const sum = weights.reduce((a, b) => a + b, 0);
  if (sum === 0) fail("the weights add up to nothing", ["clusters"]);
  else if (sum > MAX_WEIGHT) fail(`the weights add up to more than ${MAX_WEIGHT}`, ["clusters"]);
  if (typeof total === "number" && total > 0 && sum !== total)
    fail(`the weights add up to ${sum}, not to ${total}`, ["total_weight"]);
});
