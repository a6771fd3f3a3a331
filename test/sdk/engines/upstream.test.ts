import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as build from "../../support/bootstrap";
import { describeEngines } from "../../support/describe-engines";
import { exchange } from "../../support/raw-client";
import { CLIENT_ID, testPki, tlsCertificate, trustedCa, upstreamTls } from "../../support/tls";
import { buildGuest } from "../support/build-guest";

const pki = await testPki();

let wasm: string;
let upstream: Server;
beforeAll(async () => {
  wasm = await buildGuest("attributes");
  upstream = createServer(
    { cert: pki.server.certificate, key: pki.server.key, requestCert: true, ca: pki.ca.certificate },
    (_, response) => response.end("ok"),
  ).listen(0, "127.0.0.1");
  await once(upstream, "listening");
});
afterAll(() => {
  upstream?.closeAllConnections();
  upstream?.close();
});

describeEngines("SDK attributes of a host with mTLS", (engine) => {
  test.each(["response", "log"])("in %s", async (phase) => {
    const tls = upstreamTls(
      {
        tls_certificates: [tlsCertificate(pki.client)],
        validation_context: trustedCa(pki.ca),
        tls_params: { tls_maximum_protocol_version: "TLSv1_3" },
      },
      { sni: "any.example" },
    );
    const { port } = upstream.address() as AddressInfo;
    const proxy = await engine.start(
      build.bootstrap({
        listeners: [
          build.httpListener({
            name: "main",
            filters: [build.wasmFilter({ name: "plugin", wasm, rootId: "attributes", vmId: "vm" })],
            routes: [{ match: { prefix: "/" }, route: { cluster: "upstream" } }],
          }),
        ],
        clusters: [build.cluster("upstream", port, tls)],
      }),
    );
    expect((await exchange(proxy.port())).status).toBe(200);
    await proxy.log.waitFor((lines) => lines.find(({ message }) => message.endsWith(": log end")), "the end");
    const seen = Object.fromEntries(
      proxy.log.lines.flatMap(({ message }) => {
        const match = new RegExp(`: ${phase} upstream\\.(\\w+)=(.*)$`, "s").exec(message);
        return match ? [[match[1]!, match[2]!]] : [];
      }),
    );
    const host = new X509Certificate(pki.server.certificate);
    expect(seen).toMatchObject({
      address: `<127.0.0.1:${port}>`,
      port: String(port),
      serverName: "<any.example>",
      tlsVersion: "<TLSv1.3>",
      peerSubject: "<CN=server,O=toolkit>",
      localSubject: "<CN=cart,OU=S\\C3\\A4les,O=Sue\\, Grabbit and Runn,C=US>",
      peerDnsName: "<server.example>",
      localDnsName: "<cart.example>",
      peerUri: "<spiffe://cluster.local/ns/shop/sa/server>",
      localUri: `<${CLIENT_ID}>`,
      peerDigest: `<${host.fingerprint256.replaceAll(":", "").toLowerCase()}>`,
      transportFailureReason: "<>",
    });
  });
});
