import type { X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";
import type { TlsInfo } from "../../stores/stream-info";
import { type AlternativeName, alternativeNames, firstName, subjectName } from "./certificate-names";

/** A certificate whose names are read when somebody asks, and once. */
export class NamedCertificate {
  private read: AlternativeName[] | undefined;

  constructor(readonly certificate: X509Certificate) {}

  private get names(): AlternativeName[] {
    this.read ??= alternativeNames(this.certificate);
    return this.read;
  }

  first(type: AlternativeName["type"]): string | undefined {
    return firstName(this.names, type);
  }

  all(type: AlternativeName["type"]): string[] {
    return this.names.filter((name) => name.type === type).map(({ value }) => value);
  }

  /** As the property shows it: SHA-256, hexadecimal. */
  get digest(): string {
    return this.certificate.fingerprint256.replaceAll(":", "").toLowerCase();
  }
}

/** What a TLS connection tells filters, from its first moment to its last. */
export class TlsFacts implements TlsInfo {
  /** Protocol agreed on by ALPN; "" when there is none. */
  alpn = "";
  peerCertificateValid = false;
  failureReason: string | undefined;
  private peer: NamedCertificate | undefined;
  private protocol: string | undefined;
  private shown: string | undefined;

  /** `serverName`: what a host was asked for. */
  constructor(
    private readonly local: NamedCertificate | undefined,
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
    return this.peer ? subjectName(this.peer.certificate) : "";
  }

  get subjectLocal(): string {
    return this.local ? subjectName(this.local.certificate) : "";
  }

  get uriSanPeer(): string | undefined {
    return this.peer?.first("URI");
  }

  get uriSanLocal(): string | undefined {
    return this.local?.first("URI");
  }

  get dnsSanPeer(): string | undefined {
    return this.peer?.first("DNS");
  }

  get dnsSanLocal(): string | undefined {
    return this.local?.first("DNS");
  }

  /** Every alternative name of a kind. */
  names(side: "peer" | "local", type: AlternativeName["type"]): string[] {
    return this[side]?.all(type) ?? [];
  }

  get peerDigest(): string | undefined {
    return this.peer?.digest;
  }

  get peerCertificate(): string | undefined {
    return this.peer?.certificate.toString();
  }
}
