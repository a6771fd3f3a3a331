import { X509Certificate } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import * as build from "../../support/bootstrap";
import { describeEngines } from "../../support/describe-engines";
import { CLIENT_ID, mutualTls, testPki, tlsExchange } from "../../support/tls";
import { buildGuest } from "../support/build-guest";

const pki = await testPki();

let wasm: string;
beforeAll(async () => {
  wasm = await buildGuest("attributes");
});

describeEngines("SDK attributes of a connection with mTLS", (engine) => {
  test.each(["request", "response", "log"])("in %s", async (phase) => {
    const proxy = await engine.start(
      build.bootstrap({
        listeners: [
          build.httpListener({
            name: "main",
            filters: [build.wasmFilter({ name: "plugin", wasm, rootId: "attributes", vmId: "vm" })],
            routes: [{ match: { prefix: "/" }, direct_response: { status: 200 } }],
            filterChain: mutualTls(pki),
          }),
        ],
        clusters: [],
      }),
    );
    expect((await tlsExchange(proxy.port(), { identity: pki.client })).status).toBe(200);
    await proxy.log.waitFor((lines) => lines.find(({ message }) => message.endsWith(": log end")), "the end");
    const seen = Object.fromEntries(
      proxy.log.lines.flatMap(({ message }) => {
        const match = new RegExp(`: ${phase} connection\\.(\\w+)=(.*)$`, "s").exec(message);
        return match ? [[match[1]!, match[2]!]] : [];
      }),
    );
    const client = new X509Certificate(pki.client.certificate);
    expect(seen).toMatchObject({
      mtls: "true",
      peerCertificateValid: "true",
      requestedServerName: "<>",
      tlsVersion: "<TLSv1.3>",
      peerSubject: "<CN=cart,OU=S\\C3\\A4les,O=Sue\\, Grabbit and Runn,C=US>",
      localSubject: "<CN=server,O=toolkit>",
      peerDnsName: "<cart.example>",
      localDnsName: "<server.example>",
      peerUri: `<${CLIENT_ID}>`,
      localUri: "<spiffe://cluster.local/ns/shop/sa/server>",
      peerDigest: `<${client.fingerprint256.replaceAll(":", "").toLowerCase()}>`,
      peerCertificate: expect.stringContaining("BEGIN CERTIFICATE"),
      terminationDetails: "null",
      transportFailureReason: "null",
    });
  });
});
