import type { HeaderMap } from "../../../stores/header-map";
import { line, type NameFormat } from "../../http1/head-text";
import type { RequestStart } from "../../http1/request-reader";
import { properCase } from "../../proper-case";
import { CONNECT, isGranted } from "../../tunnel/upgrade-headers";
import { reasonPhrase } from "../reason-phrases";
import type { Upgrades } from "../upgrades";
import type { Http1Connection } from "./http1-connection";
import { Http1Stream } from "./http1-stream";

const UPGRADE_TOKEN = /(?:^|[, \t])upgrade(?:[, \t]|$)/i;

/** Is what follows the head of such a request no HTTP? */
export function asksForTunnel({ method, fields }: RequestStart, upgrades: Upgrades): boolean {
  if (method === "CONNECT") return true;
  return !upgrades.none && upgradeType(fields) !== "" && upgrades.mayGrant(upgradeType(fields));
}

/** The protocol that a request wants to go on in; "" = in none but its own. */
function upgradeType(fields: readonly string[]): string {
  const types: string[] = [];
  let says = false;
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i] === "upgrade") types.push(fields[i + 1]!);
    else if (fields[i] === "connection") says ||= UPGRADE_TOKEN.test(fields[i + 1]!);
  }
  return says ? types.join(", ").toLowerCase() : "";
}

/**
 * The wire's side of such a request. What follows its head are bytes, whatever the answer; the answer itself is HTTP until
 * it grants what was asked for. Either way the connection serves nothing after it.
 */
export class Http1Tunnel extends Http1Stream {
  override readonly tunnel = true;
  private readonly type: string;
  private granted = false;

  constructor(connection: Http1Connection, start: RequestStart) {
    super(connection, start);
    connection.closing = true;
    this.type = start.method === "CONNECT" ? CONNECT : upgradeType(start.fields);
  }

  /** It never arrives whole. */
  override get requestArrived(): boolean {
    return false;
  }

  override answerEarly(): void {}

  override giveUpConnection(): void {}

  override sendHeaders(headers: HeaderMap, status: number, endStream: boolean): void {
    if (!isGranted(this.type, status, headers)) {
      super.sendHeaders(headers, status, endStream);
      return;
    }
    const { writer, manager } = this.connection;
    const format = manager.config.codec.properCase ? properCase : undefined;
    writer.head(grantedHead(headers, status, format), false, false);
    writer.flush();
    this.granted = true;
  }

  override sendData(chunk: Buffer): boolean {
    return this.granted ? this.connection.writer.data(chunk) : super.sendData(chunk);
  }

  override endResponse(trailers?: HeaderMap): void {
    if (this.granted) this.answered = true;
    else super.endResponse(trailers);
    this.connection.close();
  }

  override reset(): void {
    if (!this.granted) return super.reset();
    this.answered = true;
    this.connection.close();
  }
}

/** The head of an answer that has no body, and no framing therefore. Throws when it cannot go on the wire. */
function grantedHead(headers: HeaderMap, status: number, format?: NameFormat): string {
  let text = `HTTP/1.1 ${status} ${reasonPhrase(status)}\r\n`;
  for (const [name, value] of headers) if (name.charCodeAt(0) !== 58) text += line(name, value, format);
  return `${text}\r\n`;
}
