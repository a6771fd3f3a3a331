import type { Socket } from "node:net";

/** Bytes up to this number are copied behind the text before them, which is cheaper than a write of several parts. */
const SMALL = 4096;
const MAX_TEXT = 16 * 1024;

const late: MessageWriter[] = [];

/** One turn of the event loop's end for all messages that are still to come: whatever one read has brought leaves in one write. */
function flushAll(): void {
  for (const writer of late.splice(0)) writer.flush();
}

/** Writes one message after the other on a connection, in as few writes as may be. */
export class MessageWriter {
  /** Latin-1 text that goes before what comes next. */
  private text = "";
  private chunked = false;
  private scheduled = false;

  constructor(private readonly socket: Socket) {}

  /** Begins a message; its head leaves with what follows it in the same turn of the event loop, or by itself. */
  head(text: string, chunked: boolean, last: boolean): void {
    this.text += text;
    this.chunked = chunked;
    if (!last) this.schedule();
  }

  /** False: more is waiting to be taken than should be; the socket emits `drain` once it has been. */
  data(bytes: Buffer): boolean {
    const { socket, chunked } = this;
    const { length } = bytes;
    if (chunked) this.text += `${length.toString(16)}\r\n`;
    if (length <= SMALL && this.text.length <= MAX_TEXT) {
      this.schedule();
      this.text += bytes.toString("latin1", 0, length);
      if (chunked) this.text += "\r\n";
      return !socket.writableNeedDrain;
    }
    this.scheduled = false;
    socket.cork();
    this.writeText();
    socket.write(bytes);
    if (chunked) socket.write("\r\n", "latin1");
    socket.uncork();
    // As a rule the kernel has taken it by now, however much it was.
    return socket.writableLength < socket.writableHighWaterMark;
  }

  /** The message is complete. `trailers`: their lines; only a chunked message may have them. */
  end(trailers = ""): void {
    if (this.chunked) this.text += `0\r\n${trailers}\r\n`;
    this.flush();
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    if (late.push(this) === 1) setImmediate(flushAll);
  }

  private writeText(): void {
    const { text } = this;
    if (text === "") return;
    this.text = "";
    this.socket.write(text, "latin1");
  }

  /** Everything leaves now. */
  flush(): void {
    this.scheduled = false;
    if (this.socket.destroyed || this.socket.writableEnded) {
      this.text = "";
      return;
    }
    this.writeText();
  }
}
