import { isIPv6, type Server } from "node:net";
import type { AddressConfig } from "../config/model";
import { StartError } from "../errors";

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: "Address already in use",
  EACCES: "Permission denied",
  EADDRNOTAVAIL: "Cannot assign requested address",
};

/** Connections the kernel holds until they are accepted; Envoy asks for the kernel's own most (Linux: 4096). */
const BACKLOG = 4096;

const MAPPED = "::ffff:";

/** Where to listen. `::` takes IPv6 clients alone, unless `ipv4_compat` says otherwise. */
export type ListenAddress = Pick<AddressConfig, "address" | "port" | "ipv4Compat">;

/** Binds a server or says in one line why not. */
export async function listen(server: Server, at: ListenAddress, what: string): Promise<void> {
  const { address: host, port, ipv4Compat = false } = at;
  await new Promise<void>((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => {
      const reason = REASONS[error.code ?? ""] ?? error.message;
      reject(new StartError(`cannot bind ${what} to ${host}:${port}: ${reason}`, { cause: error }));
    };
    server.once("error", failed);
    const ipv6Only = isIPv6(host) && !ipv4Compat;
    server.listen({ host, port, backlog: BACKLOG, ipv6Only }, () => {
      server.off("error", failed);
      // What a single accept fails with (too many open files) must not end the proxy.
      server.on("error", () => {});
      resolve();
    });
  });
}

/** An end of a connection: IPv4 clients of an IPv6 socket are shown as what they are. */
export function plainAddress(address: string | undefined): string {
  return address?.startsWith(MAPPED) && address.includes(".")
    ? address.slice(MAPPED.length)
    : (address ?? "");
}
