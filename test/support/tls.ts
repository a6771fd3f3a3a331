import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import { CertificateAuthority, type Issued } from "../../host/certs/authority";
import type { Json } from "./bootstrap";
import { RawClient, type RawRequest, type RawResponse } from "./raw-client";

const TYPE = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3";

/** Two authorities and what they have signed; made anew for each file of tests. */
export interface TestPki {
  ca: CertificateAuthority;
  otherCa: CertificateAuthority;
  /** `CN=server`, two DNS names, a SPIFFE id. */
  server: Issued;
  /** `spiffe://cluster.local/ns/shop/sa/cart`, two DNS names, a long subject. */
  client: Issued;
  /** Another SPIFFE id. */
  stranger: Issued;
  /** Two SPIFFE ids: `/first` and `/second`. */
  twoNames: Issued;
  expired: Issued;
  /** The names of `client`, signed by nobody the proxy knows. */
  impostor: Issued;
}

export const CLIENT_ID = "spiffe://cluster.local/ns/shop/sa/cart";

export async function testPki(): Promise<TestPki> {
  const [ca, otherCa] = await Promise.all([
    CertificateAuthority.create(),
    CertificateAuthority.create("else"),
  ]);
  const [server, client, stranger, twoNames, expired, impostor] = await Promise.all([
    ca.issue({
      subject: [{ O: ["toolkit"] }, { CN: ["server"] }],
      dns: ["server.example", "localhost"],
      uris: ["spiffe://cluster.local/ns/shop/sa/server"],
      ips: ["127.0.0.1"],
    }),
    ca.issue({
      subject: [{ C: ["US"] }, { O: ["Sue, Grabbit and Runn"] }, { OU: ["Säles"] }, { CN: ["cart"] }],
      dns: ["cart.example", "second.example"],
      uris: [CLIENT_ID],
    }),
    ca.issue({ uris: ["spiffe://cluster.local/ns/else/sa/stranger"] }),
    ca.issue({ uris: ["spiffe://cluster.local/first", "spiffe://cluster.local/second"] }),
    ca.issue({ uris: [CLIENT_ID], days: -1 }),
    otherCa.issue({ uris: [CLIENT_ID] }),
  ]);
  return { ca, otherCa, server, client, stranger, twoNames, expired, impostor };
}

const inline = (text: string): Json => ({ inline_string: text });

export function tlsCertificate({ certificate, key }: Issued): Json {
  return { certificate_chain: inline(certificate), private_key: inline(key) };
}

export function trustedCa({ certificate }: { certificate: string }): Json {
  return { trusted_ca: inline(certificate) };
}

/** A filter chain's `transport_socket`; `common` and `context` are more fields of the messages. */
export function downstreamTls(
  server: Issued,
  common: Json = {},
  context: Json = {},
): { transport_socket: Json } {
  return {
    transport_socket: {
      name: "envoy.transport_sockets.tls",
      typed_config: {
        "@type": `${TYPE}.DownstreamTlsContext`,
        common_tls_context: { tls_certificates: [tlsCertificate(server)], ...common },
        ...context,
      },
    },
  };
}

/** A cluster's `transport_socket`. */
export function upstreamTls(common: Json = {}, context: Json = {}): { transport_socket: Json } {
  return {
    transport_socket: {
      name: "envoy.transport_sockets.tls",
      typed_config: { "@type": `${TYPE}.UpstreamTlsContext`, common_tls_context: common, ...context },
    },
  };
}

/** mTLS as STRICT has it: a certificate of this CA or no connection. */
export function mutualTls(
  { server, ca }: Pick<TestPki, "server" | "ca">,
  common: Json = {},
  context: Json = {},
) {
  return downstreamTls(
    server,
    { validation_context: trustedCa(ca), ...common },
    { require_client_certificate: true, ...context },
  );
}

/** What a client of these tests says in its handshake; it trusts everybody unless told otherwise. */
export interface ClientTls extends ConnectionOptions {
  identity?: Issued;
}

/** Shakes hands; the proxy may still refuse the client's certificate when this is done. */
export function tlsConnect(port: number, { identity, ...options }: ClientTls = {}): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({
      port,
      host: "127.0.0.1",
      rejectUnauthorized: false,
      ...(identity && { cert: identity.certificate, key: identity.key }),
      ...options,
    });
    socket.setNoDelay(true);
    socket.once("error", reject);
    socket.once("secureConnect", () => {
      socket.off("error", reject);
      resolve(socket);
    });
  });
}

/** One request over TLS on a connection of its own. */
export async function tlsExchange(
  port: number,
  tls: ClientTls = {},
  request: RawRequest = {},
): Promise<RawResponse> {
  const client = RawClient.over(await tlsConnect(port, tls));
  try {
    return await client.exchange(request);
  } finally {
    client.close();
  }
}

/** Resolves with the error's code when the proxy ends a connection without an answer. */
export async function tlsRefused(port: number, tls: ClientTls = {}): Promise<string> {
  let code = "closed";
  let socket: TLSSocket;
  try {
    socket = await tlsConnect(port, tls);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
  return new Promise((resolve, reject) => {
    socket.on("error", (error: NodeJS.ErrnoException) => {
      code = error.code ?? error.message;
    });
    socket.on("data", (data) => reject(new Error(`answered: ${data.toString("latin1")}`)));
    socket.on("close", () => resolve(code));
    socket.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
  });
}
