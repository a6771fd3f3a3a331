import { isIP } from "node:net";

/** The headers of a request that tell what sent it; every line of each. */
export interface Sender {
  host?: readonly string[];
  origin?: readonly string[];
}

const ADDRESS = /^(?:\[(?<v6>[^\]]*)\]|(?<name>[^:]*))(?::\d*)?$/;

/** An address, or a name that always means this machine: nobody's DNS can make it lead here. */
function isOwnName(host: string): boolean {
  const { v6, name } = ADDRESS.exec(host)?.groups ?? {};
  if (v6 !== undefined) return isIP(v6) === 6;
  return name !== undefined && (isIP(name) === 4 || name === "" || /^(?:.*\.)?localhost$/i.test(name));
}

/**
 * Why a request to an admin address is not answered; undefined = it is.
 * A page of another origin says so in `origin`. A page whose own name leads to this machine by DNS (rebinding) is known by
 * that name in `host`: on loopback nobody has another reason to use one.
 */
export function refusalOf(sender: Sender, loopback: boolean): string | undefined {
  const hosts = sender.host ?? [];
  if (loopback && !hosts.every(isOwnName))
    return "host is neither an address nor localhost: this might be a page that reaches this machine by DNS";
  for (const origin of sender.origin ?? []) {
    const own = hosts.some((host) => origin === `http://${host}` || origin === `https://${host}`);
    if (!own) return "this comes from a page of another origin";
  }
  return undefined;
}

/** Is it this machine alone that can use a bound address? */
export function isLoopback(address: string): boolean {
  return address === "::1" || address.startsWith("127.") || address.startsWith("::ffff:127.");
}
