import type { Http2Handler, Http2Request } from "./http2-upstream";

/** One gRPC message as it goes into DATA frames. */
export function grpcFrame(message: string | Buffer, flags = 0): Buffer {
  const body = typeof message === "string" ? Buffer.from(message, "latin1") : message;
  const head = Buffer.alloc(5);
  head[0] = flags;
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}

/** The whole messages in a body, as Latin-1 text. */
export function grpcMessages(body: Buffer): string[] {
  const messages: string[] = [];
  for (let at = 0; at + 5 <= body.length; ) {
    const size = body.readUInt32BE(at + 1);
    messages.push(body.toString("latin1", at + 5, at + 5 + size));
    at += 5 + size;
  }
  return messages;
}

export interface GrpcAnswer {
  headers?: Record<string, string | string[]>;
  /** Text, or bytes as they go on the wire. */
  messages?: readonly (string | Buffer)[];
  trailers?: Record<string, string>;
}

/** Answers once the whole request is there, as a gRPC server does. */
export function grpcAnswer({
  headers,
  messages = [],
  trailers = { "grpc-status": "0" },
}: GrpcAnswer): (request: Http2Request) => Promise<void> {
  return async (request) => {
    await request.ended();
    const { stream } = request;
    if (stream.destroyed) return;
    beginAnswer(request, headers);
    for (const message of messages) stream.write(typeof message === "string" ? grpcFrame(message) : message);
    endAnswer(request, trailers);
  };
}

/** Sends the head; messages and {@link endAnswer} follow. */
export function beginAnswer({ stream }: Http2Request, headers: Record<string, string | string[]> = {}): void {
  stream.respond(
    { ":status": 200, "content-type": "application/grpc", ...headers },
    { waitForTrailers: true },
  );
}

export function endAnswer({ stream }: Http2Request, trailers: Record<string, string>): void {
  stream.on("wantTrailers", () => stream.sendTrailers(trailers));
  stream.end();
}

/** An answer that is one head and nothing else. */
export function headOnly(headers: Record<string, string | number>): Http2Handler {
  return ({ stream }) => stream.respond({ ":status": 200, ...headers }, { endStream: true });
}
