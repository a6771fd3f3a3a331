import { readSource, toPlain } from "./yaml";

/** What can be told of a bootstrap file without knowing every field: a watcher wants no more. */
export interface Outline {
  /** The files it names: modules, certificates. */
  files: string[];
  /** Overrides that give it free ports, so that a second one can run beside it. */
  freePorts: string[];
}

/** Reads the outline of a file, whichever engine it is for. Throws ConfigError on bad syntax. */
export function outline(text: string, file: string): Outline {
  const tree = toPlain(readSource(text, file));
  const files = new Set<string>();
  visit(tree, (key, value) => {
    if (key === "filename" && typeof value === "string") files.add(value);
  });
  const { admin, static_resources, staticResources } = record(tree);
  const listeners = record(static_resources ?? staticResources).listeners;
  const places: [path: string, address: unknown][] = [
    ["admin.address", record(admin).address],
    ...(Array.isArray(listeners) ? listeners : []).map((listener, i): [string, unknown] => [
      `static_resources.listeners[${i}].address`,
      record(listener).address,
    ]),
  ];
  const freePorts = places.flatMap(([path, address]) => {
    const { socket_address, socketAddress } = record(address);
    const { port_value, portValue } = record(socket_address ?? socketAddress);
    return (port_value ?? portValue) === undefined ? [] : [`${path}.socket_address.port_value=0`];
  });
  return { files: [...files], freePorts };
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function visit(value: unknown, see: (key: string, value: unknown) => void): void {
  for (const [key, child] of Object.entries(record(value))) {
    see(key, child);
    visit(child, see);
  }
}
