import { readFileSync } from "node:fs";

/**
 * `examples/<name>/envoy.yaml` as a test runs it: its own listeners on free ports, and upstreams where the test has them.
 * @param ports port in the file -> port in the test
 */
export function exampleYaml(name: string, ports: Readonly<Record<number, number>>): string {
  const yaml = readFileSync(new URL(`../../examples/${name}/envoy.yaml`, import.meta.url), "utf8");
  return yaml.replace(/(?<=port_value: )\d+/g, (port) => String(ports[Number(port)] ?? 0));
}
