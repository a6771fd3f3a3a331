import type { X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";
import type { CertificateInfo, TlsInfo } from "../../stores/tls-info";
import { type AlternativeName, alternativeNames, distinguishedName, firstName } from "./certificate-names";

/** A certificate whose names are read when somebody asks, and once. */
export class NamedCertificate implements CertificateInfo {
  private read: AlternativeName[] | undefined;

  constructor(readonly certificate: X509Certificate) {}

  private get alternatives(): AlternativeName[] {
    this.read ??= alternativeNames(this.certificate);
    return this.read;
  }

  first(type: AlternativeName["type"]): string | undefined {
    return firstName(this.alternatives, type);
  }

  all(type: AlternativeName["type"]): string[] {
    return this.alternatives.filter((name) => name.type === type).map(({ value }) => value);
  }

  names(type: "URI" | "DNS" | "IP" | "EMAIL" | "OTHER"): string[] {
    return this.all(type === "IP" ? "IP_ADDRESS" : type);
  }

  get subject(): string {
    return distinguishedName(this.certificate.subject);
  }

  get issuer(): string {
    return distinguishedName(this.certificate.issuer);
  }

  get serial(): string {
    return this.certificate.serialNumber.toLowerCase();
  }

  get fingerprint1(): string {
    return hexadecimal(this.certificate.fingerprint);
  }

  get fingerprint256(): string {
    return hexadecimal(this.certificate.fingerprint256);
  }

  get pem(): string {
    return this.certificate.toString();
  }

  get validFrom(): bigint {
    return nanoseconds(this.certificate.validFromDate);
  }

  get validTo(): bigint {
    return nanoseconds(this.certificate.validToDate);
  }
}

/** Node prints bytes in capitals, with colons. */
const hexadecimal = (fingerprint: string) => fingerprint.replaceAll(":", "").toLowerCase();

const nanoseconds = (date: Date) => BigInt(date.getTime()) * 1_000_000n;

/** What a TLS connection tells filters, from its first moment to its last. */
export class TlsFacts implements TlsInfo {
  /** Protocol agreed on by ALPN; "" when there is none. */
  alpn = "";
  peerCertificateValid = false;
  failureReason: string | undefined;
  peer: NamedCertificate | undefined;
  cipher: string | undefined;
  /** Key exchange; Node tells it of this side's own requests alone. */
  group: string | undefined;
  handshakeMs: number | undefined;
  private readonly began = performance.now();
  private protocol: string | undefined;
  private shown: string | undefined;

  /** `serverName`: what a host was asked for. */
  constructor(
    readonly own: NamedCertificate | undefined,
    readonly serverName?: string,
  ) {}

  /** The peer's certificate, good or not, is there; also of a connection that ends for it. */
  presented(certificate: X509Certificate): void {
    this.peer = new NamedCertificate(certificate);
  }

  /** The handshake is over and the peer is accepted. */
  agreed(socket: TLSSocket, validated: boolean): void {
    this.peerCertificateValid = validated;
    this.protocol = socket.getProtocol() ?? undefined;
    this.alpn = socket.alpnProtocol || "";
    this.cipher = socket.getCipher()?.name;
    this.handshakeMs = performance.now() - this.began;
    const exchange = socket.getEphemeralKeyInfo() as { name?: string } | null;
    this.group = exchange?.name;
  }

  /** What Node shows of them is the peer's own. */
  get peerChain(): readonly NamedCertificate[] | undefined {
    return this.peer && [this.peer];
  }

  get complete(): boolean {
    return this.protocol !== undefined;
  }

  /** Before there is one, Envoy's library tells of an older one, and Envoy goes on telling what it told first (observed). */
  get version(): string {
    this.shown ??= this.protocol ?? "TLSv1.2";
    return this.shown;
  }

  get mtls(): boolean {
    return this.peer !== undefined;
  }

  /** Empty without a certificate, unlike what else is told of one (observed). */
  get subjectPeer(): string {
    return this.peer?.subject ?? "";
  }

  get subjectLocal(): string {
    return this.own?.subject ?? "";
  }

  get uriSanPeer(): string | undefined {
    return this.peer?.first("URI");
  }

  get uriSanLocal(): string | undefined {
    return this.own?.first("URI");
  }

  get dnsSanPeer(): string | undefined {
    return this.peer?.first("DNS");
  }

  get dnsSanLocal(): string | undefined {
    return this.own?.first("DNS");
  }

  /** Every alternative name of a kind. */
  names(side: "peer" | "local", type: AlternativeName["type"]): string[] {
    return (side === "peer" ? this.peer : this.own)?.all(type) ?? [];
  }

  get peerDigest(): string | undefined {
    return this.peer?.fingerprint256;
  }

  get peerCertificate(): string | undefined {
    return this.peer?.pem;
  }
}
