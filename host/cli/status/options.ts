import { isIP } from "node:net";
import { InvalidArgumentError } from "commander";

/** Where the status page listens. */
export interface StatusAddress {
  host: string;
  port: number;
}

/** `15020` on loopback, or `0.0.0.0:15020`, `[::]:15020`. */
export function statusArgument(text: string): StatusAddress {
  const match = /^(?:(\[[^\]]+\]|[^:]+):)?(\d+)$/.exec(text);
  const host = match?.[1]?.replace(/^\[|\]$/g, "") ?? "127.0.0.1";
  const port = Number(match?.[2]);
  if (!match || isIP(host) === 0 || port > 65_535)
    throw new InvalidArgumentError("A port, or an IP address and a port, is wanted: 15020 or 0.0.0.0:15020.");
  return { host, port };
}

/** An address of the app. */
export function urlArgument(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "http:" && url?.protocol !== "https:")
    throw new InvalidArgumentError("A URL is wanted: http://127.0.0.1:8080/metrics.");
  return url.href;
}

/** `name=url`, again for more. */
export function probeArgument(
  text: string,
  before: ReadonlyMap<string, string> = new Map(),
): Map<string, string> {
  const mark = text.indexOf("=");
  const name = text.slice(0, Math.max(mark, 0));
  if (!/^[\w.-]+$/.test(name))
    throw new InvalidArgumentError(`'${text}' is not name=url, as in web=http://127.0.0.1:8080/healthz.`);
  return new Map([...before, [name, urlArgument(text.slice(mark + 1))]]);
}
