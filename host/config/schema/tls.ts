import * as z from "zod";
import { dataSource, stringMatcher } from "./common";
import { message, rule, typed } from "./message";
import { bool, duration, enumeration, requiredText, text, u32 } from "./scalars";

const TLS = "envoy.extensions.transport_sockets.tls.v3";

/** Suites up to TLS 1.2 that both Envoy's library and OpenSSL have; those of TLS 1.3 are not to be chosen in Envoy. */
export const CIPHER_SUITES: ReadonlySet<string> = new Set(
  `ECDHE-ECDSA-AES128-GCM-SHA256 ECDHE-RSA-AES128-GCM-SHA256 ECDHE-ECDSA-AES256-GCM-SHA384 ECDHE-RSA-AES256-GCM-SHA384
  ECDHE-ECDSA-CHACHA20-POLY1305 ECDHE-RSA-CHACHA20-POLY1305 ECDHE-ECDSA-AES128-SHA ECDHE-RSA-AES128-SHA
  ECDHE-ECDSA-AES256-SHA ECDHE-RSA-AES256-SHA AES128-GCM-SHA256 AES256-GCM-SHA384 AES128-SHA AES256-SHA`.split(
    /\s+/,
  ),
);

const CURVES: readonly string[] = ["X25519", "P-256", "P-384", "P-521"];

/** `[A|B]` are suites of equal rank. */
export function suitesOf(entry: string): string[] {
  return /^\[.*\]$/.test(entry) ? entry.slice(1, -1).split("|") : [entry];
}

const cipherSuite = requiredText
  .refine((entry) => suitesOf(entry).every((name) => CIPHER_SUITES.has(name)), {
    error: ({ input }) => {
      const unknown = suitesOf(String(input)).filter((name) => !CIPHER_SUITES.has(name));
      return `not a cipher suite that both engines have: ${unknown.join(", ")}; supported: ${[...CIPHER_SUITES].join(", ")}`;
    },
  })
  .meta({ type: "string" });

const curve = requiredText
  .refine((name) => CURVES.includes(name), `must be one of ${CURVES.join(", ")}`)
  .meta({ type: "string" });

const protocol = enumeration({ 0: "TLS_AUTO", 1: "TLSv1_0", 2: "TLSv1_1", 3: "TLSv1_2", 4: "TLSv1_3" }, [
  "TLS_AUTO",
  "TLSv1_2",
  "TLSv1_3",
]);

const tlsParameters = message(
  {},
  {
    tls_minimum_protocol_version: protocol,
    tls_maximum_protocol_version: protocol,
    cipher_suites: z.array(cipherSuite),
    ecdh_curves: z.array(curve),
  },
).check(
  rule<Record<string, unknown>>((value, fail) => {
    const { tls_minimum_protocol_version: min, tls_maximum_protocol_version: max } = value;
    if (/3$/.test(String(min)) && /2$/.test(String(max)))
      fail("the lowest version is above the highest", ["tls_minimum_protocol_version"]);
  }),
);

const certificate = message(
  { certificate_chain: dataSource, private_key: dataSource },
  { password: dataSource },
);

const sanMatcher = message(
  {
    san_type: enumeration(
      { 0: "SAN_TYPE_UNSPECIFIED", 1: "EMAIL", 2: "DNS", 3: "URI", 4: "IP_ADDRESS", 5: "OTHER_NAME" },
      ["EMAIL", "DNS", "URI", "IP_ADDRESS"],
    ),
    matcher: stringMatcher,
  },
  {},
);

const HASH = /^([0-9a-fA-F]{64}|[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){31})$/;
const spki = requiredText
  .regex(/^[A-Za-z0-9+/]{43}=$/, "must be the base64 of a SHA-256 digest, 44 characters")
  .meta({ type: "string" });

const validation = message(
  {},
  {
    trusted_ca: dataSource,
    match_typed_subject_alt_names: z.array(sanMatcher),
    verify_certificate_spki: z.array(spki),
    verify_certificate_hash: z.array(
      requiredText
        .regex(HASH, "must be a SHA-256 digest in hexadecimal, with colons or without")
        .meta({ type: "string" }),
    ),
    crl: dataSource,
    trust_chain_verification: enumeration({ 0: "VERIFY_TRUST_CHAIN", 1: "ACCEPT_UNTRUSTED" }),
  },
).check(
  rule<Record<string, unknown>>((value, fail) => {
    const names = value.match_typed_subject_alt_names;
    if (Array.isArray(names) && names.length > 0 && value.trusted_ca === undefined)
      fail("names mean nothing without a trusted_ca", ["match_typed_subject_alt_names"]);
  }),
);

export const alpnProtocol = requiredText
  .max(255, "must not be longer than 255 bytes")
  .meta({ type: "string" });

const COMMON = {
  tls_params: tlsParameters,
  validation_context: validation,
  alpn_protocols: z.array(alpnProtocol),
};

const serverContext = message(
  { tls_certificates: z.array(certificate).length(1, "the node engine takes exactly one certificate") },
  COMMON,
);

const clientContext = message(
  {},
  {
    tls_certificates: z.array(certificate).max(1, "the node engine takes one certificate at most"),
    ...COMMON,
  },
);

const downstreamContext = typed(
  `${TLS}.DownstreamTlsContext`,
  { common_tls_context: serverContext },
  {
    require_client_certificate: bool,
    disable_stateless_session_resumption: bool,
    disable_stateful_session_resumption: bool,
    session_timeout: duration,
    prefer_client_ciphers: bool,
    ocsp_staple_policy: enumeration({ 0: "LENIENT_STAPLING", 1: "STRICT_STAPLING", 2: "MUST_STAPLE" }, [
      "LENIENT_STAPLING",
    ]),
  },
);

const upstreamContext = typed(
  `${TLS}.UpstreamTlsContext`,
  {},
  {
    common_tls_context: clientContext,
    sni: text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly this is refused
      .regex(/^[^\x00]*$/, "must not contain NUL")
      .max(255, "must not be longer than 255 bytes")
      .meta({ type: "string" }),
    auto_host_sni: bool,
    auto_sni_san_validation: bool,
    max_session_keys: u32,
  },
).check(
  rule<RawUpstreamTls>((value, fail) => {
    if (value.auto_sni_san_validation === true && !value.common_tls_context?.validation_context?.trusted_ca)
      fail("means nothing without a trusted_ca", ["auto_sni_san_validation"]);
  }),
);

const rawBuffer = typed("envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer", {}, {});

/** `transport_socket`: what connections speak below HTTP, or below filters of bytes. */
function transportSocket<C extends typeof downstreamContext | typeof upstreamContext>(
  context: C,
  name: string,
) {
  const error = ({ input }: { input?: unknown }) => {
    const type =
      typeof input === "object" && input !== null ? (input as Record<string, unknown>)["@type"] : undefined;
    const supported = `supported: ${TLS}.${name} and envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer`;
    return type === undefined
      ? `"@type" is missing; ${supported}`
      : `unknown @type ${JSON.stringify(type)}: not supported by the node engine; ${supported}`;
  };
  return message(
    { name: requiredText, typed_config: z.discriminatedUnion("@type", [context, rawBuffer], { error }) },
    {},
  );
}

export const downstreamSocket = transportSocket(downstreamContext, "DownstreamTlsContext");
export const upstreamSocket = transportSocket(upstreamContext, "UpstreamTlsContext");

export type RawDataSource = z.output<typeof dataSource>;
export type RawDownstreamTls = z.output<typeof downstreamContext>;
export type RawUpstreamTls = z.output<typeof upstreamContext>;
export type RawCommonTls = z.output<typeof clientContext>;
export type RawValidation = z.output<typeof validation>;
