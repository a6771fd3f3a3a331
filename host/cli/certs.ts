import { Command, InvalidArgumentError } from "commander";
import type { FolderReport } from "../certs/folder";

interface CertsOptions {
  trustDomain: string;
  dns: string[];
  days: number;
  force?: boolean;
  json?: boolean;
}

/** `proxy-wasm certs`: a CA and SPIFFE identities for tests. */
export function certsCommand(): Command {
  return new Command("certs")
    .description("Make a test CA and certificates with SPIFFE identities, for mTLS on either engine.")
    .argument("<dir>", "folder to write into; made when it is not there")
    .argument("[identities...]", "namespace/service-account (default: default/server default/client)")
    .option("--trust-domain <name>", "the trust domain of the identities", "cluster.local")
    .option("--dns <name...>", "DNS names in every certificate", ["localhost"])
    .option("--days <n>", "how long the certificates are valid; the CA: ten years", readDays, 365)
    .option("--force", "make everything anew, the CA too, over files that are there")
    .option("--json", "what was written as one JSON object on stdout")
    .addHelpText("after", HELP)
    .action(async (dir: string, names: string[], options: CertsOptions) => {
      const { fillFolder } = await import("../certs/folder");
      const { checkTrustDomain, readIdentity } = await import("../certs/spiffe");
      const report = await fillFolder(dir, {
        identities: (names.length > 0 ? names : ["default/server", "default/client"]).map(readIdentity),
        trustDomain: checkTrustDomain(options.trustDomain),
        dns: options.dns,
        days: options.days,
        force: options.force ?? false,
      });
      process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : text(report));
    });
}

function readDays(text: string): number {
  const days = Number(text);
  if (!Number.isInteger(days) || days < 1 || days > 36_500)
    throw new InvalidArgumentError("expected a whole number of days from 1 to 36500.");
  return days;
}

const HELP = `
Examples:
  $ proxy-wasm certs certs                                   ca.pem, default-server.pem, default-client.pem
  $ proxy-wasm certs certs shop/cart shop/payment            two more, signed by the CA that is there
  $ proxy-wasm certs certs --trust-domain td.example --dns app.example localhost --force
  $ curl --cacert certs/ca.pem --cert certs/default-client.pem --key certs/default-client-key.pem https://localhost:8443/

In the bootstrap file, beside the filters of a filter chain: a listener that only knows clients of this CA.
    transport_socket:
      name: envoy.transport_sockets.tls
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
        require_client_certificate: true
        common_tls_context:
          tls_certificates:
          - certificate_chain: { filename: certs/default-server.pem }
            private_key: { filename: certs/default-server-key.pem }
          validation_context: { trusted_ca: { filename: certs/ca.pem } }

A filter reads who calls as the property connection.uri_san_peer_certificate: spiffe://cluster.local/ns/default/sa/client.
Keys are written unencrypted with mode 0600. They are for tests: whoever has ca-key.pem can be anybody.`;

function text({ ca, leaves }: FolderReport): string {
  const lines = [
    `${ca.certificate}  ${ca.made ? "new CA" : "the CA that was there"}`,
    ...leaves.map(({ certificate, identity }) => `${certificate}  ${identity}`),
  ];
  return `${lines.join("\n")}\n`;
}
