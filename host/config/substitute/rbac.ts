import { toSnake } from "../names";
import type { Json, Problem, Translation } from "./translation";

/** Our filter reads Envoy's message; it refuses by name what it does not do. */
export function rbacConfig({ "@type": _, ...native }: Json): Translation {
  return { configuration: { rbac: native }, problems: [] };
}

/** What the message for connections says beyond that, and only means something at its default. */
const FOR_CONNECTIONS: Readonly<Record<string, (value: unknown) => boolean>> = {
  stat_prefix: () => true,
  enforcement_type: (value) => value === "ONE_TIME_ON_FIRST_BYTE" || value === 0,
};

export function networkRbacConfig({ "@type": _, ...native }: Json): Translation {
  const problems: Problem[] = [];
  const rest = Object.entries(native).filter(([name, value]) => {
    const fits = FOR_CONNECTIONS[toSnake(name)];
    if (fits && !fits(value))
      problems.push({ path: [name], message: "authz decides once, on the first byte" });
    return !fits;
  });
  return { configuration: { rbac: Object.fromEntries(rest) }, problems };
}
