import { createPrivateKey, X509Certificate } from "node:crypto";
import { expect, test } from "vitest";
import { CertificateAuthority } from "../../../host/certs/authority";

test("a leaf is what was asked for, signed by the CA", async () => {
  const ca = await CertificateAuthority.create("a CA");
  const { certificate, key } = await ca.issue({
    subject: [{ C: ["US"] }, { O: ["Sue, Grabbit"] }, { CN: ["app"] }],
    uris: ["spiffe://td/ns/a/sa/b", "spiffe://td/second"],
    dns: ["app.example"],
    ips: ["127.0.0.1", "::1"],
    emails: ["a@b.example"],
    days: 2,
  });
  const read = new X509Certificate(certificate);
  expect(read.subject).toBe("C=US\nO=Sue\\, Grabbit\nCN=app");
  expect(read.issuer).toBe("CN=a CA");
  expect(read.subjectAltName).toBe(
    "URI:spiffe://td/ns/a/sa/b, URI:spiffe://td/second, DNS:app.example, IP Address:127.0.0.1, " +
      "IP Address:0:0:0:0:0:0:0:1, email:a@b.example",
  );
  expect(read.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);
  expect(read.ca).toBe(false);
  expect(read.checkPrivateKey(createPrivateKey(key))).toBe(true);
  const signer = new X509Certificate(ca.certificate);
  expect(signer.ca).toBe(true);
  expect(read.verify(signer.publicKey)).toBe(true);
  expect(read.checkIssued(signer)).toBe(true);
  expect(read.validToDate.getTime() - Date.now()).toBeGreaterThan(1.9 * 86_400_000);
});

test("serial numbers differ, and negative days make a certificate of the past", async () => {
  const ca = await CertificateAuthority.create();
  const [one, two] = await Promise.all([ca.issue(), ca.issue({ days: -1 })]);
  const [a, b] = [one, two].map(({ certificate }) => new X509Certificate(certificate));
  expect(a!.serialNumber).not.toBe(b!.serialNumber);
  expect(b!.validToDate.getTime()).toBeLessThan(Date.now());
  expect(b!.validFromDate.getTime()).toBeLessThan(b!.validToDate.getTime());
});

test("a CA that was written down goes on signing", async () => {
  const ca = await CertificateAuthority.create();
  const again = await CertificateAuthority.read({ certificate: ca.certificate, key: ca.key });
  const leaf = new X509Certificate((await again.issue({ usage: ["client"] })).certificate);
  expect(leaf.checkIssued(new X509Certificate(ca.certificate))).toBe(true);
  expect(leaf.keyUsage).toEqual(["1.3.6.1.5.5.7.3.2"]);
});
