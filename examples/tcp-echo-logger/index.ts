import {
  Action,
  Bytes,
  Counter,
  currentTime,
  logInfo,
  PeerType,
  RootContext,
  registerTcp,
  TcpBuffer,
  TcpFilter,
} from "proxy-wasm-toolkit/sdk";
import { decimal } from "proxy-wasm-toolkit/sdk/text/ascii";

const connections = new Counter("tcp_connections_total");
const bytes = new Counter("tcp_bytes_total");

/** Configuration: how many bytes of each chunk are shown in the log; 32 when there is none. */
class Settings extends RootContext {
  shown: i32 = 32;

  onConfigure(config: string): string | null {
    if (config == "") return null;
    this.shown = decimal(config);
    return this.shown < 0 ? `expected a number of bytes, got "${config}"` : null;
  }
}

/** Logs what passes each way, and counts it. */
class EchoLogger extends TcpFilter {
  private received: i64 = 0;
  private sent: i64 = 0;
  private began: i64 = currentTime();
  private closedBy: string = "proxy";

  onDownstreamData(): Action {
    this.received += this.note(">", "received", this.downstream);
    return Action.Continue;
  }

  onUpstreamData(): Action {
    this.sent += this.note("<", "sent", this.upstream);
    return Action.Continue;
  }

  onDownstreamClose(peer: PeerType): void {
    if (peer == PeerType.Remote) this.closedBy = "client";
  }

  onLog(): void {
    connections.tag("closed_by", this.closedBy).increment();
    const ms = (currentTime() - this.began) / 1_000_000;
    const from = this.connection.sourceAddress!;
    const to = this.connection.destinationAddress!;
    logInfo(
      `${this.name} ${from} -> ${to}: ${this.received} bytes received, ${this.sent} sent, ${ms} ms, closed by the ${this.closedBy}`,
    );
  }

  private get name(): string {
    return `#${this.connection.id}`;
  }

  /** One line and one count for a chunk; answers its length. */
  private note(arrow: string, direction: string, data: TcpBuffer): i32 {
    const length = data.length;
    if (length > 0) {
      const shown = (this.root as Settings).shown;
      bytes.tag("direction", direction).increment(length);
      const rest = length > shown ? " ..." : "";
      logInfo(`${this.name} ${arrow} ${length} bytes: ${printable(data.bytes(0, shown))}${rest}`);
    }
    if (data.endOfStream) logInfo(`${this.name} ${arrow} end`);
    return length;
  }
}

/** Printable ASCII as it is, a dot for every other byte. */
function printable(data: Bytes): string {
  const codes = new Array<i32>(data.length);
  for (let i = 0; i < data.length; i++) {
    const code = data.at(i);
    codes[i] = code >= 0x20 && code <= 0x7e ? code : 0x2e;
  }
  return String.fromCharCodes(codes);
}

registerTcp<EchoLogger, Settings>("tcp-echo-logger");
