import type { X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";
import type { TlsInfo } from "../../stores/stream-info";
import { type AlternativeName, alternativeNames, firstName, subjectName } from "./certificate-names";

/** What a TLS connection tells filters. Certificates are taken apart only when somebody asks. */
export class TlsFacts implements TlsInfo {
  private handshake: Handshake | undefined;

  /** The handshake is over and the peer is accepted. */
  complete(socket: TLSSocket, peer: X509Certificate | undefined, validated: boolean): void {
    this.handshake = new Handshake(socket, peer, validated);
  }

  get version(): string {
    return this.handshake?.version ?? "";
  }

  /** Protocol agreed on by ALPN; "" when there is none. */
  get alpn(): string {
    return this.handshake?.alpn ?? "";
  }

  get mtls(): boolean {
    return this.handshake?.peer !== undefined;
  }

  get peerCertificateValid(): boolean {
    return this.handshake?.validated ?? false;
  }

  /** Empty without a certificate, unlike what else is told of one (observed). */
  get subjectPeer(): string {
    const peer = this.handshake?.peer;
    return peer ? subjectName(peer.certificate) : "";
  }

  get subjectLocal(): string {
    const local = this.handshake?.local;
    return local ? subjectName(local.certificate) : "";
  }

  get uriSanPeer(): string | undefined {
    return this.handshake?.peer?.first("URI");
  }

  get uriSanLocal(): string | undefined {
    return this.handshake?.local?.first("URI");
  }

  get dnsSanPeer(): string | undefined {
    return this.handshake?.peer?.first("DNS");
  }

  get dnsSanLocal(): string | undefined {
    return this.handshake?.local?.first("DNS");
  }

  get peerDigest(): string | undefined {
    return this.handshake?.peer?.certificate.fingerprint256.replaceAll(":", "").toLowerCase();
  }

  get peerCertificate(): string | undefined {
    return this.handshake?.peer?.certificate.toString();
  }
}

class Handshake {
  readonly version: string;
  readonly alpn: string;
  readonly peer: NamedCertificate | undefined;
  readonly local: NamedCertificate | undefined;

  constructor(
    socket: TLSSocket,
    peer: X509Certificate | undefined,
    readonly validated: boolean,
  ) {
    this.version = socket.getProtocol() ?? "";
    this.alpn = socket.alpnProtocol || "";
    this.peer = peer && new NamedCertificate(peer);
    const local = socket.getX509Certificate();
    this.local = local && new NamedCertificate(local);
  }
}

/** A certificate whose names are read once. */
class NamedCertificate {
  private names: AlternativeName[] | undefined;

  constructor(readonly certificate: X509Certificate) {}

  first(type: AlternativeName["type"]): string | undefined {
    this.names ??= alternativeNames(this.certificate);
    return firstName(this.names, type);
  }
}
