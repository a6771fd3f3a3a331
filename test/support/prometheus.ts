import { spawnSync } from "node:child_process";

export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

export interface Family {
  name: string;
  type: string;
  samples: Sample[];
}

/** The parser of Prometheus's own client for Python, as a filter from text to JSON. */
const SCRIPT = `
import json, sys
from prometheus_client.parser import text_string_to_metric_families
text = sys.stdin.buffer.read().decode("utf-8")
print(json.dumps([
  {"name": f.name, "type": f.type, "samples": [{"name": s.name, "labels": s.labels, "value": str(s.value)} for s in f.samples]}
  for f in text_string_to_metric_families(text)]))
`;

/** The system's own Python has what the system's packages install. */
const PYTHONS = ["python3", "/usr/bin/python3"];

let python: string | undefined;

/** Is the parser there? Without it CI fails; elsewhere its tests are left out, and say so. */
export function hasPrometheusParser(): boolean {
  python ??= PYTHONS.find((each) => spawnSync(each, ["-c", "import prometheus_client.parser"]).status === 0);
  if (python !== undefined) return true;
  const missing = "no prometheus_client for Python (Debian: python3-prometheus-client)";
  if (process.env.CI === "true") throw new Error(missing);
  process.stderr.write(`!!! ${missing}: the text for Prometheus is not parsed\n`);
  return false;
}

/** Parses text for Prometheus; throws what the parser says of it. */
export function parsePrometheus(text: string): Family[] {
  const { status, stdout, stderr } = spawnSync(python ?? "python3", ["-c", SCRIPT], {
    input: text,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(`the text is refused: ${stderr.trim().split("\n").at(-1)}`);
  const families = JSON.parse(stdout) as (Omit<Family, "samples"> & {
    samples: (Omit<Sample, "value"> & { value: string })[];
  })[];
  return families.map(({ samples, ...family }) => ({
    ...family,
    samples: samples.map((sample) => ({ ...sample, value: Number(sample.value.replace("inf", "Infinity")) })),
  }));
}
