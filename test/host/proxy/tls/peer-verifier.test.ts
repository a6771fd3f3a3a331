import { X509Certificate } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { CertificateAuthority } from "../../../../host/certs/authority";
import type { CertificateValidation, DataSource, SanMatcher } from "../../../../host/config/model";
import { dnsNameFits, PeerVerifier } from "../../../../host/proxy/tls/peer-verifier";

const trustedCa: DataSource = {
  kind: "inline",
  bytes: Buffer.alloc(0),
  position: { file: "f", line: 1, column: 1 },
  positionPath: "p",
};
const NONE: CertificateValidation = {
  trustedCa: undefined,
  crl: undefined,
  subjectAltNames: [],
  hashes: [],
  spkis: [],
  acceptUntrusted: false,
};
const uri = (kind: SanMatcher["kind"], value: string, ignoreCase = false): SanMatcher => ({
  type: "URI",
  kind,
  value,
  ignoreCase,
});

let certificate: X509Certificate;
beforeAll(async () => {
  const ca = await CertificateAuthority.create();
  const leaf = await ca.issue({ uris: ["spiffe://td/A", "spiffe://td/b"], dns: ["*.x.example"] });
  certificate = new X509Certificate(leaf.certificate);
});

const verify = (config: Partial<CertificateValidation>, chainError?: string) =>
  new PeerVerifier({ ...NONE, ...config }).verify(certificate, chainError);

describe("a verdict", () => {
  test("with an authority its chain decides", () => {
    expect(verify({ trustedCa })).toEqual({ accepted: true, validated: true });
    expect(verify({ trustedCa }, "CERT_HAS_EXPIRED")).toMatchObject({
      accepted: false,
      validated: false,
      failure: "fail_verify_error",
    });
    expect(verify({ trustedCa, acceptUntrusted: true }, "CERT_HAS_EXPIRED")).toMatchObject({
      accepted: true,
      validated: false,
      failure: "fail_verify_error",
    });
  });

  test.each<[string, SanMatcher, boolean]>([
    ["the second name", uri("exact", "spiffe://td/b"), true],
    ["capitals differ", uri("exact", "spiffe://td/a"), false],
    ["capitals do not matter", uri("exact", "SPIFFE://TD/a", true), true],
    ["prefix", uri("prefix", "spiffe://td/"), true],
    ["a regular expression fits as a whole", uri("regex", "spiffe://td/[bc]"), true],
    ["not as a part", uri("regex", "td/[bc]"), false],
    ["of another type", { ...uri("prefix", "spiffe"), type: "DNS" }, false],
    ["a wildcard of the certificate", { ...uri("exact", "a.x.example"), type: "DNS" }, true],
    ["which does not count in other forms", { ...uri("prefix", "a.x"), type: "DNS" }, false],
  ])("names: %s", (_, matcher, accepted) => {
    const verdict = verify({ trustedCa, subjectAltNames: [uri("exact", "nobody"), matcher] });
    expect(verdict).toMatchObject(
      accepted ? { accepted, validated: true } : { accepted, validated: false, failure: "fail_verify_san" },
    );
  });

  test("digests: one of all must fit, and does without an authority", () => {
    const hash = certificate.fingerprint256.replaceAll(":", "").toLowerCase();
    expect(verify({ hashes: ["00", hash] })).toEqual({ accepted: true, validated: true });
    expect(verify({ hashes: ["00"], spkis: ["x"] })).toMatchObject({
      accepted: false,
      failure: "fail_verify_cert_hash",
    });
  });

  test("nothing to check with is nothing validated", () => {
    expect(verify({ acceptUntrusted: true })).toEqual({ accepted: true, validated: false });
  });
});

test.each<[string, string, boolean]>([
  ["a.example", "A.Example", true],
  ["a.example", "*.example", true],
  ["a.b.example", "*.example", false],
  ["example", "*", false],
  ["ab.example", "a*.example", true],
  ["ab.example", "a*b.example", true],
  ["a.example", "a*a.example", false],
  ["abc.example", "a*b*c.example", false],
  ["a.b.example", "a.*.example", false],
  ["xn--a.example", "xn--*.example", false],
])("the DNS name %s and %s in a certificate", (name, pattern, fits) => {
  expect(dnsNameFits(name, pattern)).toBe(fits);
});
