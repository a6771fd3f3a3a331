import type { HashPolicy } from "../../config/model";
import type { HeaderMap } from "../../stores/header-map";
import type { StreamInfo } from "../../stores/stream-info";
import { hash64 } from "../balancing/hash";
import { ipOf } from "../clusters/cluster";
import { queryValue } from "./matchers";

const MASK = (1n << 64n) - 1n;

/** A hash for the balancer, and a cookie that brings the client back to the same host. */
export interface HashOutcome {
  hash: bigint | undefined;
  setCookies: string[];
}

/** Who sends the request: the client headers name, and the connection it comes on. */
export type ClientFacts = Pick<StreamInfo, "connection" | "remoteAddress">;

/** The value of a cookie in a request; undefined when it has none. */
function cookieOf(headers: HeaderMap, name: string): string | undefined {
  for (const line of headers.getAll("cookie")) {
    for (const part of line.split(";")) {
      const at = part.indexOf("=");
      if (at < 0 || part.slice(0, at).trim() !== name) continue;
      const value = part.slice(at + 1).trim();
      return /^".*"$/.test(value) ? value.slice(1, -1) : value;
    }
  }
  return undefined;
}

/** Hashes what the policies of a route name, in their order; a later one is mixed into an earlier one. */
export function hashRequest(
  policies: readonly HashPolicy[],
  headers: HeaderMap,
  client: ClientFacts,
): HashOutcome {
  let hash: bigint | undefined;
  const setCookies: string[] = [];
  for (const policy of policies) {
    const found = one(policy, headers, client, setCookies);
    if (found !== undefined) {
      // Turned, so that the same rule twice is not nothing.
      const before = hash === undefined ? 0n : ((hash << 1n) & MASK) | (hash >> 63n);
      hash = before ^ found;
    }
    if (policy.terminal && hash !== undefined) break;
  }
  return { hash, setCookies };
}

function one(
  policy: HashPolicy,
  headers: HeaderMap,
  client: ClientFacts,
  setCookies: string[],
): bigint | undefined {
  switch (policy.by) {
    case "header": {
      const values = headers.getAll(policy.name);
      if (values.length === 0) return undefined;
      // Each value's hash begins where the one before has ended, in the order of the alphabet (observed).
      return [...values].sort().reduce((seed, value) => hash64(value, seed), 0n);
    }
    case "query": {
      const target = headers.get(":path") ?? "";
      const mark = target.indexOf("?");
      const value = mark < 0 ? undefined : queryValue(target.slice(mark + 1), policy.name);
      return value === undefined ? undefined : hash64(value);
    }
    case "source ip":
      return hash64(ipOf(client.remoteAddress));
    case "cookie": {
      const value = cookieOf(headers, policy.name);
      if (value) return hash64(value);
      if (policy.ttlSeconds === undefined) return undefined;
      const { connection } = client;
      const made = hash64(connection.remoteAddress + connection.localAddress).toString(16);
      setCookies.push(setCookie(policy, policy.ttlSeconds, made));
      return hash64(made);
    }
  }
}

/** A cookie of no lasting is one of the session. */
function setCookie({ name, path }: { name: string; path: string }, ttl: number, value: string): string {
  const age = ttl === 0 ? "" : `; Max-Age=${ttl}`;
  const where = path === "" ? "" : `; Path=${path}`;
  return `${name}="${value}"${age}${where}; HttpOnly`;
}
