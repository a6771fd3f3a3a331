import { type Failure, stepName } from "./judge";
import type { LoadedScenario } from "./load";
import type { Observation } from "./run";

/** Response headers whose values no two runs share. */
const VARYING = new Set(["date", "x-envoy-upstream-service-time"]);
/** Made up for each request that comes without one. */
const REQUEST_ID = "x-request-id";

/** Everything two engines must agree on, as one line a fact, in order. */
function facts(
  scenario: LoadedScenario,
  { steps, logs, metrics }: Observation,
): [what: string, value: string][] {
  const list: [string, string][] = [];
  const headers = (what: string, pairs: readonly (readonly [string, string])[], sent: boolean) => {
    for (const [name, value] of pairs) {
      const made = VARYING.has(name) || (name === REQUEST_ID && !sent);
      list.push([`${what} ${name}`, made ? "(varies)" : value]);
    }
  };
  for (const [i, { response, forwarded }] of steps.entries()) {
    const where = stepName(scenario, i);
    const names = Object.keys(scenario.steps[i]!.request.headers ?? {}).map((name) => name.toLowerCase());
    const sent = names.includes(REQUEST_ID);
    if (response === "cut") list.push([`${where}: response`, "cut"]);
    else {
      list.push([`${where}: status`, String(response.status)]);
      headers(`${where}: response header`, response.headers, sent);
      list.push([`${where}: response body`, response.body]);
      headers(`${where}: response trailer`, response.trailers, sent);
    }
    list.push([`${where}: forwarded`, forwarded ? `${forwarded.method} ${forwarded.path}` : "nothing"]);
    if (!forwarded) continue;
    headers(`${where}: forwarded header`, forwarded.headers, sent);
    list.push([`${where}: forwarded body`, forwarded.body]);
    headers(`${where}: forwarded trailer`, forwarded.trailers, sent);
  }
  for (const [i, line] of logs.entries()) list.push([`log line ${i + 1}`, line]);
  for (const [name, value] of Object.entries(metrics).sort()) list.push([`metric ${name}`, String(value)]);
  return list;
}

/** The first thing on which two runs of a scenario differ; undefined = they are the same. */
export function firstDifference(
  scenario: LoadedScenario,
  a: Observation,
  b: Observation,
): Failure | undefined {
  const [left, right] = [facts(scenario, a), facts(scenario, b)];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const [one, other] = [left[i], right[i]];
    if (one && other && one[0] === other[0] && one[1] === other[1]) continue;
    const show = (fact: [string, string] | undefined) =>
      fact ? `${fact[0]} = ${JSON.stringify(fact[1])}` : "nothing more";
    return {
      where: "engines differ",
      what: one?.[0] ?? other![0],
      expected: `${b.engine}: ${show(other)}`,
      actual: `${a.engine}: ${show(one)}`,
    };
  }
  return undefined;
}
