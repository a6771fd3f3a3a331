import { isIPv6, type Server } from "node:net";
import { StartError } from "../errors";

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: "Address already in use",
  EACCES: "Permission denied",
  EADDRNOTAVAIL: "Cannot assign requested address",
};

/** Connections the kernel holds until they are accepted; Envoy asks for the kernel's own most (Linux: 4096). */
const BACKLOG = 4096;

/** Binds a server or says in one line why not. */
export async function listen(server: Server, host: string, port: number, what: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => {
      const reason = REASONS[error.code ?? ""] ?? error.message;
      reject(new StartError(`cannot bind ${what} to ${host}:${port}: ${reason}`, { cause: error }));
    };
    server.once("error", failed);
    // `::` is IPv6 alone, as for Envoy: an IPv4 client would come in a disguise that no policy knows.
    server.listen({ host, port, backlog: BACKLOG, ipv6Only: isIPv6(host) }, () => {
      server.off("error", failed);
      // What a single accept fails with (too many open files) must not end the proxy.
      server.on("error", () => {});
      resolve();
    });
  });
}
