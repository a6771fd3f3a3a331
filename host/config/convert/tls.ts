import type {
  CertificateValidation,
  DataSource,
  DownstreamTlsConfig,
  TlsCertificateConfig,
  TlsParameters,
  TlsVersion,
  UpstreamTlsConfig,
} from "../model";
import { type FieldPath, formatPath } from "../path";
import { durationMs } from "../schema/scalars";
import {
  type RawCommonTls,
  type RawDataSource,
  type RawDownstreamTls,
  type RawUpstreamTls,
  type RawValidation,
  suitesOf,
} from "../schema/tls";
import { locate, type Source } from "../yaml";
import { stringForm } from "./strings";

/** Envoy's suites for servers and clients when the file names none. */
const DEFAULT_SUITES = [
  "[ECDHE-ECDSA-AES128-GCM-SHA256|ECDHE-ECDSA-CHACHA20-POLY1305]",
  "[ECDHE-RSA-AES128-GCM-SHA256|ECDHE-RSA-CHACHA20-POLY1305]",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
];

const VERSIONS = { TLSv1_2: "TLSv1.2", TLSv1_3: "TLSv1.3" } as const;

/** Positions inside one message of the file. */
interface Place {
  path: FieldPath;
  source: Source;
}

/** A `DownstreamTlsContext`; `path` leads to it. */
export function convertDownstreamTls(
  raw: RawDownstreamTls,
  path: FieldPath,
  source: Source,
): DownstreamTlsConfig {
  const common = raw.common_tls_context;
  const place = { path: [...path, "common_tls_context"], source };
  return {
    certificate: convertCertificate(common.tls_certificates[0]!, place),
    parameters: convertParameters(common.tls_params ?? {}, "TLSv1.3"),
    validation: common.validation_context && convertValidation(common.validation_context, place),
    alpnProtocols: common.alpn_protocols ?? [],
    requireClientCertificate: raw.require_client_certificate ?? false,
    sessionTickets: !(raw.disable_stateless_session_resumption ?? false),
    sessionTimeout:
      raw.session_timeout === undefined ? undefined : Math.floor(durationMs(raw.session_timeout) / 1000),
    preferClientCiphers: raw.prefer_client_ciphers ?? false,
  };
}

/** An `UpstreamTlsContext`; `path` leads to it. */
export function convertUpstreamTls(raw: RawUpstreamTls, path: FieldPath, source: Source): UpstreamTlsConfig {
  const common = raw.common_tls_context ?? {};
  const place = { path: [...path, "common_tls_context"], source };
  const certificate = common.tls_certificates?.[0];
  return {
    certificate: certificate && convertCertificate(certificate, place),
    // Envoy's clients speak TLS 1.3 only when told to.
    parameters: convertParameters(common.tls_params ?? {}, "TLSv1.2"),
    validation: common.validation_context && convertValidation(common.validation_context, place),
    alpnProtocols: common.alpn_protocols ?? [],
    sni: raw.sni ?? "",
    autoHostSni: raw.auto_host_sni ?? false,
    autoSniSanValidation: raw.auto_sni_san_validation ?? false,
    resumes: raw.max_session_keys !== 0,
  };
}

function convertCertificate(raw: RawCertificate, { path, source }: Place): TlsCertificateConfig {
  const { certificate_chain: chain, private_key: key, password } = raw;
  const at = [...path, "tls_certificates", 0];
  return {
    chain: convertData(chain, [...at, "certificate_chain"], source),
    key: convertData(key, [...at, "private_key"], source),
    password: password && convertData(password, [...at, "password"], source),
  };
}

type RawCertificate = NonNullable<RawCommonTls["tls_certificates"]>[number];

function convertParameters(raw: NonNullable<RawCommonTls["tls_params"]>, highest: TlsVersion): TlsParameters {
  const version = (name: string | undefined, auto: TlsVersion) =>
    VERSIONS[name as keyof typeof VERSIONS] ?? auto;
  return {
    minVersion: version(raw.tls_minimum_protocol_version, "TLSv1.2"),
    maxVersion: version(raw.tls_maximum_protocol_version, highest),
    cipherSuites: (raw.cipher_suites?.length ? raw.cipher_suites : DEFAULT_SUITES).flatMap(suitesOf),
    curves: raw.ecdh_curves ?? [],
  };
}

function convertValidation(raw: RawValidation, { path, source }: Place): CertificateValidation {
  const at = [...path, "validation_context"];
  return {
    trustedCa: raw.trusted_ca && convertData(raw.trusted_ca, [...at, "trusted_ca"], source),
    crl: raw.crl && convertData(raw.crl, [...at, "crl"], source),
    subjectAltNames: (raw.match_typed_subject_alt_names ?? []).map(({ san_type, matcher }) => ({
      type: san_type,
      ...stringForm(matcher),
    })),
    hashes: (raw.verify_certificate_hash ?? []).map((hash) => hash.replaceAll(":", "").toLowerCase()),
    spkis: raw.verify_certificate_spki ?? [],
    acceptUntrusted: raw.trust_chain_verification === "ACCEPT_UNTRUSTED",
  };
}

function convertData(raw: RawDataSource, path: FieldPath, source: Source): DataSource {
  const field = Object.keys(raw)[0]!;
  const place = {
    position: locate(source, [...path, field], "value"),
    positionPath: formatPath([...path, field]),
  };
  if (raw.filename !== undefined) return { kind: "file", path: raw.filename, ...place };
  const bytes =
    raw.inline_bytes === undefined
      ? Buffer.from(raw.inline_string ?? "")
      : Buffer.from(raw.inline_bytes, "base64");
  return { kind: "inline", bytes, ...place };
}
