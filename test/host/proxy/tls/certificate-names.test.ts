import { X509Certificate } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import { CertificateAuthority, type LeafOptions } from "../../../../host/certs/authority";
import { alternativeNames, distinguishedName } from "../../../../host/proxy/tls/certificate-names";

let ca: CertificateAuthority;
beforeAll(async () => {
  ca = await CertificateAuthority.create();
});

const leaf = async (options: LeafOptions) => new X509Certificate((await ca.issue(options)).certificate);

test.each<[string, LeafOptions["subject"], string]>([
  ["none", [], ""],
  ["last part first", [{ C: ["US"] }, { O: ["o"] }, { CN: ["a b"] }], "CN=a b,O=o,C=US"],
  ["what RFC 2253 escapes", [{ CN: ['a,b+c"d<f>g;h#'] }], 'CN=a\\,b\\+c\\"d\\<f\\>g\\;h#'],
  ["blanks at the ends", [{ CN: [" b "] }], "CN=\\ b\\ "],
  [
    "beyond ASCII, and control characters",
    [{ CN: ["äß€\u{1f600}\n\u007f"] }],
    "CN=\\C3\\A4\\C3\\9F\\E2\\82\\AC\\F0\\9F\\98\\80\\0A\\7F",
  ],
  ["several values in one part", [{ OU: ["x"], CN: ["y + z"] }], "CN=y \\+ z+OU=x"],
])("subject: %s", async (_, subject, printed) => {
  expect(distinguishedName((await leaf({ subject: subject! })).subject)).toBe(printed);
});

test("alternative names, in their order", async () => {
  const certificate = await leaf({
    uris: ["spiffe://td/a", 'https://x/?a=b,c"d\\e'],
    dns: ["a.example", "*.b.example", "c.example, URI:spiffe://td/forged"],
    ips: ["10.1.2.3", "2001:db8::1"],
    emails: ["me@a.example"],
  });
  expect(alternativeNames(certificate)).toEqual([
    { type: "URI", value: "spiffe://td/a" },
    { type: "URI", value: 'https://x/?a=b,c"d\\e' },
    { type: "DNS", value: "a.example" },
    { type: "DNS", value: "*.b.example" },
    { type: "DNS", value: "c.example, URI:spiffe://td/forged" },
    { type: "IP_ADDRESS", value: "10.1.2.3" },
    { type: "IP_ADDRESS", value: "2001:db8::1" },
    { type: "EMAIL", value: "me@a.example" },
  ]);
  expect(alternativeNames(await leaf({}))).toEqual([]);
});
