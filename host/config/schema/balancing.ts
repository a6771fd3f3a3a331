import { percentage } from "./host-sets";
import { message, rule } from "./message";
import { originalDst } from "./original-dst";
import { double, duration, enumeration, requiredText, u32 } from "./scalars";

const MAX_RING = 8_388_608;
const MAX_TABLE = 5_000_011;
export const ringSize = u32
  .refine((n) => n <= MAX_RING, `must not be greater than ${MAX_RING}`)
  .meta({ type: "uint32" });
export const ringOrder = rule<{ minimum_ring_size?: number; maximum_ring_size?: number }>((value, fail) => {
  const { minimum_ring_size: min = 1024, maximum_ring_size: max = MAX_RING } = value;
  if (min > max) fail(`must not be greater than maximum_ring_size (${max})`, ["minimum_ring_size"]);
});

function isPrime(n: number): boolean {
  if (n < 2 || n > MAX_TABLE) return false;
  for (let k = 2; k * k <= n; k++) if (n % k === 0) return false;
  return true;
}

/** Without a runtime it is always the default. */
const runtimeDouble = message({ runtime_key: requiredText }, { default_value: double });

export const slowStart = message(
  {},
  { slow_start_window: duration, aggression: runtimeDouble, min_weight_percent: percentage },
);

export const leastRequest = {
  choice_count: u32.refine((n) => n >= 2, "must be at least 2").meta({ type: "uint32" }),
  active_request_bias: runtimeDouble,
  slow_start_config: slowStart,
};

export const maglevTable = u32.refine(isPrime, "must be a prime").meta({ type: "uint32" });

/** Envoy reads one of them, and only with the policy it belongs to. */
export const BALANCING = {
  least_request_lb_config: message({}, leastRequest),
  ring_hash_lb_config: message(
    {},
    {
      minimum_ring_size: ringSize,
      maximum_ring_size: ringSize,
      hash_function: enumeration({ 0: "XX_HASH", 1: "MURMUR_HASH_2" }, ["XX_HASH"]),
    },
  ).check(ringOrder),
  maglev_lb_config: message({}, { table_size: maglevTable }),
  round_robin_lb_config: message({}, { slow_start_config: slowStart }),
  original_dst_lb_config: originalDst,
};
