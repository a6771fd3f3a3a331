import { createHash, type X509Certificate } from "node:crypto";
import type { CertificateValidation, SanMatcher } from "../../config/model";
import { type TextTest, textTest } from "../router/matchers";
import { type AlternativeName, alternativeNames } from "./certificate-names";
import { chainFault } from "./failure-reason";

/** What a certificate fails by, under the name that counts it. */
export type VerifyFailure = "fail_verify_error" | "fail_verify_san" | "fail_verify_cert_hash";

export interface Verdict {
  accepted: boolean;
  /** It was checked against something, and fits. */
  validated: boolean;
  failure?: VerifyFailure;
  /** What is wrong with it, in Envoy's words. */
  reason?: string;
}

/** Judges the certificate of a peer; what OpenSSL says of its chain is one part of it. */
export class PeerVerifier {
  private readonly sanTests: readonly ((name: AlternativeName) => boolean)[];

  constructor(private readonly config: CertificateValidation) {
    this.sanTests = config.subjectAltNames.map(sanTest);
  }

  /** The peer is asked for a certificate. */
  get asks(): boolean {
    return this.config.trustedCa !== undefined || this.pins || this.config.acceptUntrusted;
  }

  /** A peer without a certificate is refused; `required`: so says the context, which counts with an authority only. */
  mandatory(required: boolean): boolean {
    return (required && this.config.trustedCa !== undefined) || (this.pins && !this.config.acceptUntrusted);
  }

  private get pins(): boolean {
    const { hashes, spkis } = this.config;
    return this.sanTests.length > 0 || hashes.length > 0 || spkis.length > 0;
  }

  /**
   * `chainError`: Node's code of what is wrong with the chain, undefined when it leads to a trusted authority. Of a
   * `resumed` session that was so when it began: time may have run out since.
   */
  verify(certificate: X509Certificate, chainError: string | undefined, resumed = false): Verdict {
    const { trustedCa, acceptUntrusted } = this.config;
    const refused = (failure: VerifyFailure, reason: string): Verdict => ({
      accepted: acceptUntrusted,
      validated: false,
      failure,
      reason: `verify cert failed: ${reason}`,
    });
    const fault = chainError ?? (resumed && hasExpired(certificate) ? "CERT_HAS_EXPIRED" : undefined);
    if (trustedCa && fault !== undefined) {
      const reason = `X509_verify_cert: certificate verification error at depth 0: ${chainFault(fault)}`;
      return refused("fail_verify_error", reason);
    }
    const names = this.sanTests.length > 0 ? alternativeNames(certificate) : [];
    if (this.sanTests.length > 0 && !this.sanTests.some((fits) => names.some(fits))) {
      const listed = names.map(({ value }) => value).join(", ");
      return refused("fail_verify_san", `SAN matcher, certificate SANs are [${listed}]`);
    }
    if (!this.digestFits(certificate)) return refused("fail_verify_cert_hash", "cert hash and spki");
    const validated = trustedCa !== undefined || this.pins;
    return { accepted: validated || acceptUntrusted, validated };
  }

  private digestFits(certificate: X509Certificate): boolean {
    const { hashes, spkis } = this.config;
    if (hashes.length === 0 && spkis.length === 0) return true;
    const spki = certificate.publicKey.export({ type: "spki", format: "der" });
    return (
      hashes.includes(createHash("sha256").update(certificate.raw).digest("hex")) ||
      spkis.includes(createHash("sha256").update(spki).digest("base64"))
    );
  }
}

function hasExpired({ validTo }: X509Certificate): boolean {
  return Date.parse(validTo) < Date.now();
}

function sanTest({ type, kind, value, ignoreCase }: SanMatcher): (name: AlternativeName) => boolean {
  const test: TextTest =
    type === "DNS" && kind === "exact"
      ? (name) => dnsNameFits(value, name)
      : textTest(kind, value, ignoreCase);
  return (name) => name.type === type && test(name.value);
}

/** A certificate's DNS name may stand for many: `*.example.com`, the star within the first label. */
export function dnsNameFits(wanted: string, pattern: string): boolean {
  const name = wanted.toLowerCase();
  const form = pattern.toLowerCase();
  if (name === form) return true;
  const [nameLabel, nameRest] = cut(name);
  const [formLabel, formRest] = cut(form);
  if (nameRest === undefined || formRest === undefined || nameRest !== formRest) return false;
  if (formRest.includes("*") || formLabel.startsWith("xn--")) return false;
  const [before, after, ...more] = formLabel.split("*");
  if (after === undefined || more.length > 0) return false;
  return (
    formLabel.length <= nameLabel.length + 1 && nameLabel.startsWith(before!) && nameLabel.endsWith(after)
  );
}

function cut(name: string): [string, string | undefined] {
  const dot = name.indexOf(".");
  return dot < 0 ? [name, undefined] : [name.slice(0, dot), name.slice(dot + 1)];
}
