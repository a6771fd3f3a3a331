import { UsageError } from "../errors";
import type { LeafOptions } from "./authority";

/** A workload as SPIFFE and Istio name it. */
export interface Identity {
  namespace: string;
  serviceAccount: string;
}

const NAME = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;

/** Reads `namespace/service-account`. Throws UsageError. */
export function readIdentity(text: string): Identity {
  const [namespace = "", serviceAccount = "", ...rest] = text.split("/");
  if (rest.length > 0 || !NAME.test(namespace) || !NAME.test(serviceAccount))
    throw new UsageError(`"${text}" is no identity; write namespace/service-account, e.g. shop/frontend`);
  return { namespace, serviceAccount };
}

/** Throws UsageError unless `text` can be the authority of a SPIFFE id. */
export function checkTrustDomain(text: string): string {
  if (!NAME.test(text)) throw new UsageError(`"${text}" is no trust domain, e.g. cluster.local`);
  return text;
}

export function spiffeId(trustDomain: string, { namespace, serviceAccount }: Identity): string {
  return `spiffe://${trustDomain}/ns/${namespace}/sa/${serviceAccount}`;
}

/** A leaf for a workload, good on both ends of a connection on this machine. */
export function workload(uri: string, dns: readonly string[], days: number): LeafOptions {
  return { uris: [uri], dns, ips: ["127.0.0.1", "::1"], days };
}
