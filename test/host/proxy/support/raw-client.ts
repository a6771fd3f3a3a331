import { connect, type Socket } from "node:net";

/** Talks to a port in bytes (Latin-1 text) and waits for what it wants to see. */
export class RawClient {
  received = "";
  ended = false;
  closed = false;
  error: string | undefined;
  private readonly waiting = new Set<() => void>();

  private constructor(readonly socket: Socket) {
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => {
      this.received += text;
      this.wake();
    });
    socket.on("end", () => {
      this.ended = true;
      this.wake();
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      this.error = error.code;
    });
    socket.on("close", () => {
      this.closed = true;
      this.wake();
    });
  }

  static async connect(port: number): Promise<RawClient> {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
    const client = new RawClient(socket);
    await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    return client;
  }

  private wake(): void {
    for (const wake of this.waiting) wake();
  }

  write(text: string): void {
    this.socket.write(Buffer.from(text, "latin1"));
  }

  /** Resolves when `ready` holds; fails when the connection is gone before. */
  async until(ready: (client: RawClient) => boolean): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const check = () => {
        if (ready(this)) {
          this.waiting.delete(check);
          resolve();
        } else if (this.closed) {
          this.waiting.delete(check);
          reject(new Error(`connection ended (${this.error ?? "no error"}) after: ${this.received}`));
        }
      };
      this.waiting.add(check);
      check();
    });
  }

  /** Resolves with everything received once the server closed its side (or the connection broke). */
  async untilClosed(): Promise<string> {
    await this.until((c) => c.ended || c.closed);
    this.socket.destroy();
    return this.received;
  }

  /** One whole response with a content-length, a chunked body, or none; takes it off `received`. */
  async response(isHead = false): Promise<string> {
    let length = -1;
    await this.until(() => {
      length = responseLength(this.received, isHead);
      return length >= 0 && this.received.length >= length;
    });
    const text = this.received.slice(0, length);
    this.received = this.received.slice(length);
    return text;
  }

  destroy(): void {
    this.socket.destroy();
  }
}

function responseLength(text: string, isHead: boolean): number {
  const at = text.indexOf("\r\n\r\n");
  if (at < 0) return -1;
  const head = text.slice(0, at + 4).toLowerCase();
  if (isHead || /^http\/1\.1 (1\d\d|204|304)/.test(head)) return head.length;
  const declared = /\r\ncontent-length: (\d+)/.exec(head);
  if (declared) return head.length + Number(declared[1]);
  const end = text.indexOf("0\r\n\r\n", head.length);
  return end < 0 ? -1 : end + 5;
}

/** Sends a request on its own connection, returns the response with its date and ids made constant. */
export async function exchange(port: number, request: string, isHead = false): Promise<string> {
  const client = await RawClient.connect(port);
  client.write(request);
  const response = await client.response(isHead);
  client.destroy();
  return normalise(response);
}

/** Takes out what differs from run to run. */
export function normalise(text: string): string {
  return text
    .replace(/^(date): .*\r$/gim, "$1: D\r")
    .replace(/^(x-envoy-upstream-service-time): \d+\r$/gim, "$1: N\r")
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g, "UUID");
}
