import type { CertificateInfo, TlsInfo } from "../../stores/tls-info";
import { type FormatScope, type Operators, plain } from "../scope";
import { instant } from "./time";

type Side = (scope: FormatScope) => TlsInfo | undefined;

/** Text that is empty is none. */
const row = (about: string, side: Side, read: (tls: TlsInfo) => string | undefined) =>
  plain(about, (scope) => {
    const tls = side(scope);
    return (tls && read(tls)) || undefined;
  });

const peer = (about: string, side: Side, read: (certificate: CertificateInfo) => string | undefined) =>
  row(about, side, (tls) => tls.peer && read(tls.peer));
const own = (about: string, side: Side, read: (certificate: CertificateInfo) => string | undefined) =>
  row(about, side, (tls) => tls.own && read(tls.own));

const downstream: Side = ({ info }) => info.connection.tls;
const upstream: Side = ({ info }) => info.upstream.tls;

/** Alternative names, by the word in the operator's name. */
const NAMES = { URI: "URI", DNS: "DNS", IP: "IP", EMAIL: "EMAIL", OTHERNAME: "OTHER" } as const;
type NameWord = keyof typeof NAMES;

const sans = (prefix: string, side: Side, words: readonly NameWord[]): Operators =>
  Object.fromEntries(
    words.flatMap((word) => {
      const read = (certificate: CertificateInfo) => certificate.names(NAMES[word]).join(",");
      return [
        [`${prefix}_PEER_${word}_SAN`, peer(`Alternative names of the peer's certificate`, side, read)],
        [`${prefix}_LOCAL_${word}_SAN`, own(`Alternative names of the certificate shown to it`, side, read)],
      ] as const;
    }),
  );

const chain = (read: (certificate: CertificateInfo) => string) =>
  row("Of the peer's own certificate alone", downstream, (tls) => tls.peerChain?.map(read).join(","));

const untold = plain("Always `-`: Node does not tell", () => undefined);

const connection = (prefix: string, side: Side): Operators => ({
  [`${prefix}_TLS_VERSION`]: row("`TLSv1.2` or `TLSv1.3`", side, (tls) => tls.version),
  [`${prefix}_TLS_CIPHER`]: row("OpenSSL's name of the cipher", side, (tls) => tls.cipher),
  [`${prefix}_TLS_GROUP`]: row(
    "Key exchange; of clients always `-`: Node does not tell",
    side,
    (tls) => tls.group,
  ),
  [`${prefix}_TLS_SESSION_ID`]: untold,
  [`${prefix}_PEER_SUBJECT`]: row("Of the peer's certificate", side, (tls) => tls.subjectPeer),
  [`${prefix}_PEER_ISSUER`]: peer("Who signed it", side, (certificate) => certificate.issuer),
  [`${prefix}_PEER_CERT`]: peer("PEM, URL-encoded", side, (certificate) =>
    encodeURIComponent(certificate.pem),
  ),
  [`${prefix}_PEER_CERT_V_START`]: instant("When it becomes valid", (scope) => side(scope)?.peer?.validFrom),
  [`${prefix}_PEER_CERT_V_END`]: instant("When it expires", (scope) => side(scope)?.peer?.validTo),
});

const unseen = plain("Always `-`: no listener here computes it", () => undefined);

export const TLS: Operators = {
  ...connection("DOWNSTREAM", downstream),
  ...connection("UPSTREAM", upstream),
  ...sans("DOWNSTREAM", downstream, ["URI", "DNS", "IP", "EMAIL", "OTHERNAME"]),
  ...sans("UPSTREAM", upstream, ["URI", "DNS", "IP"]),
  DOWNSTREAM_LOCAL_SUBJECT: row(
    "Of the certificate the client was shown",
    downstream,
    (tls) => tls.subjectLocal,
  ),
  DOWNSTREAM_PEER_FINGERPRINT_256: peer("SHA-256, hexadecimal", downstream, (c) => c.fingerprint256),
  DOWNSTREAM_PEER_FINGERPRINT_1: peer("SHA-1, hexadecimal", downstream, (c) => c.fingerprint1),
  DOWNSTREAM_PEER_SERIAL: peer("Hexadecimal", downstream, (c) => c.serial),
  DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_256: chain((c) => c.fingerprint256),
  DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_1: chain((c) => c.fingerprint1),
  DOWNSTREAM_PEER_CHAIN_SERIALS: chain((c) => c.serial),
  DOWNSTREAM_PEER_ISSUER_FINGERPRINT_256: untold,
  DOWNSTREAM_PEER_ISSUER_SERIAL: untold,
  UPSTREAM_SERVER_NAME: row("SNI that the host was asked for", upstream, (tls) => tls.serverName),
  DOWNSTREAM_TRANSPORT_FAILURE_REASON: row("Why the handshake failed", downstream, (tls) =>
    tls.failureReason?.replaceAll(" ", "_"),
  ),
  TLS_JA3_FINGERPRINT: unseen,
  TLS_JA4_FINGERPRINT: unseen,
};
