import { networkInterfaces } from "node:os";

let found: string | undefined;

/** The address Envoy takes for the machine's own, once: the first that is not a loopback one. */
export function ownAddress(): string {
  const all = () => Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  found ??= all().find(({ internal, family }) => !internal && family === "IPv4")?.address ?? "127.0.0.1";
  return found;
}
