import { expect, test } from "vitest";
import * as build from "../../support/bootstrap";
import { describeEngines } from "../../support/describe-engines";
import { downstreamTls, testPki } from "../../support/tls";

const pki = await testPki();

interface Named {
  private_key?: Record<string, string>;
  password?: Record<string, string>;
}

/** Every certificate of a dump, wherever it stands. */
function certificates(value: unknown): Named[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    key === "tls_certificates" ? (item as Named[]) : certificates(item),
  );
}

describeEngines("TLS: secrets", (engine) => {
  test("/config_dump shows certificates, and neither keys nor where they are", async () => {
    const { certificate, key } = pki.server;
    const sources = [
      { inline_string: key },
      { inline_bytes: Buffer.from(key).toString("base64") },
      { filename: "@dir@/key.pem" },
    ];
    const listeners = sources.map((private_key, i) => {
      const certificate_chain = { inline_string: certificate };
      const filterChain = downstreamTls(pki.server, {
        tls_certificates: [{ certificate_chain, private_key, password: { inline_string: "open sesame" } }],
      });
      return build.httpListener({ name: `l${i}`, routes: [], filterChain });
    });
    const proxy = await engine.start(build.bootstrap({ listeners, clusters: [] }), {
      files: { "key.pem": key },
    });
    const dump = await proxy.admin("/config_dump");
    expect(dump).toContain("BEGIN CERTIFICATE");
    for (const secret of ["PRIVATE KEY", Buffer.from(key).toString("base64"), "key.pem", "sesame"])
      expect(dump).not.toContain(secret);
    const shown = certificates(JSON.parse(dump)).map(({ private_key, password }) => ({
      private_key,
      password,
    }));
    const password = { inline_string: "[redacted]" };
    const wanted = [
      { private_key: { inline_string: "[redacted]" }, password },
      { private_key: { inline_bytes: Buffer.from("[redacted]").toString("base64") }, password },
      { private_key: { filename: "[redacted]" }, password },
    ];
    // Once in the bootstrap, once among the listeners.
    expect(shown).toEqual([...wanted, ...wanted]);
  });
});
