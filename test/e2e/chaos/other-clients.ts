import { connect, type Socket } from "node:net";
import { Client, credentials, type ServiceError, status } from "@grpc/grpc-js";
import { WebSocket } from "ws";
import type { Load } from "./http-clients";
import { closed, type Outcome, textOf } from "./outcome";
import type { Random } from "./relay";

const asIs = (bytes: Buffer): Buffer => bytes;

/** What the proxy, or a cut on the way, makes of a call. */
const GRPC_FAILURES: ReadonlySet<status> = new Set([
  status.UNAVAILABLE,
  status.INTERNAL,
  status.UNKNOWN,
  status.CANCELLED,
  status.DEADLINE_EXCEEDED,
]);

function failed(token: string, error: ServiceError): Outcome {
  if (!GRPC_FAILURES.has(error.code)) throw new Error(`${token}: ${error.code} ${error.details}`);
  return "refused";
}

function same(token: string, answer: Buffer | undefined, sent: Buffer): void {
  if (!answer?.equals(sent)) throw new Error(`${token}: another's message`);
}

export function grpcLoad(port: number, random: Random): Load {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const call = (token: string) =>
    new Promise<Outcome>((resolve, reject) => {
      const sent = textOf(token, random);
      client.makeUnaryRequest("/chaos.Echo/Say", asIs, asIs, sent, (error, answer) => {
        try {
          if (error) return resolve(failed(token, error));
          same(token, answer, sent);
          resolve("whole");
        } catch (mistake) {
          reject(mistake);
        }
      });
    });
  const talk = (token: string) =>
    new Promise<Outcome>((resolve, reject) => {
      const stream = client.makeBidiStreamRequest<Buffer, Buffer>("/chaos.Echo/Talk", asIs, asIs);
      let round = 0;
      const message = () => Buffer.from(`${token}:${round}`);
      stream.on("data", (answer: Buffer) => {
        try {
          same(token, answer, message());
        } catch (mistake) {
          reject(mistake);
        }
        if (++round < 5) stream.write(message());
        else stream.end();
      });
      stream.on("error", (error: ServiceError) => {
        try {
          resolve(failed(token, error));
        } catch (mistake) {
          reject(mistake);
        }
      });
      stream.on("status", ({ code }) => {
        if (code !== status.OK) return;
        if (round === 5) resolve("whole");
        else reject(new Error(`${token}: ended well after ${round} messages`));
      });
      stream.write(message());
    });
  return {
    exchange: (token) => (random() < 0.5 ? call(token) : talk(token)),
    close: () => client.close(),
  };
}

/** Messages there and back; each must be the next one. */
export function webSocketLoad(port: number, random: Random): Load {
  return {
    exchange: (token) =>
      new Promise((resolve, reject) => {
        const socket = new WebSocket(`ws://127.0.0.1:${port}/plain`, { perMessageDeflate: false });
        const rounds = 1 + Math.floor(random() * 8);
        const padding = "x".repeat(Math.floor(random() ** 3 * 60_000));
        let round = 0;
        const say = () => socket.send(`${token}:${round}:${padding}`);
        socket.on("error", () => {});
        let opened = false;
        socket.on("open", () => {
          opened = true;
          say();
        });
        socket.on("message", (data) => {
          if (String(data) !== `${token}:${round}:${padding}`)
            reject(new Error(`${token}: another's message`));
          if (++round < rounds) say();
          else if (random() < 0.3) socket.terminate();
          else socket.close();
        });
        socket.on("unexpected-response", (request, { statusCode }) => {
          request.destroy();
          if (![502, 503, 504].includes(statusCode ?? 0)) reject(new Error(`${token}: ${statusCode}`));
          resolve("refused");
        });
        socket.on("close", () => {
          if (!opened) reject(new Error(`${token}: lost: no answer to the upgrade`));
          resolve(round === rounds ? "whole" : "cut");
        });
      }),
    close: () => {},
  };
}

/** Bytes there and back; `head` asks for them, where they have to be asked for. */
function bytesLoad(port: number, random: Random, head: (token: string) => string): Load {
  return {
    async exchange(token) {
      const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
      socket.on("error", () => {});
      const sent = textOf(token, random);
      const asked = head(token);
      const chunks: Buffer[] = [];
      socket.on("data", (chunk: Buffer) => chunks.push(chunk));
      if (random() < 0.15) {
        socket.pause();
        setTimeout(() => socket.resume(), random() * 80);
      }
      socket.write(Buffer.concat([Buffer.from(asked), sent]));
      const all = () => Buffer.concat(chunks);
      const left = random() < 0.05;
      if (left) setTimeout(() => socket.resetAndDestroy(), random() * 30);
      else if (asked === "") socket.end();
      await Promise.race([closed(socket), whole(socket, all, asked, sent.length)]);
      socket.destroy();
      if (left) return "left";
      return judgeBytes(token, all(), asked, sent);
    },
    close: () => {},
  };
}

/** Resolves once everything has come back. */
async function whole(socket: Socket, all: () => Buffer, asked: string, length: number): Promise<void> {
  let total = 0;
  await new Promise<void>((resolve) => {
    const check = () => {
      const text = asked === "" ? 0 : all().indexOf("\r\n\r\n") + 4;
      if (total - text >= length && (asked === "" || text > 3)) resolve();
    };
    socket.on("data", (chunk: Buffer) => {
      total += chunk.length;
      if (total >= length) check();
    });
    socket.once("end", () => resolve());
  });
}

function judgeBytes(token: string, got: Buffer, asked: string, sent: Buffer): Outcome {
  let body = got;
  if (asked !== "") {
    const head = got.indexOf("\r\n\r\n");
    if (head < 0) throw new Error(`${token}: lost: no answer to CONNECT`);
    const line = got.subarray(0, got.indexOf("\r\n")).toString();
    if (/ 50[234] /.test(line)) return "refused";
    if (!line.includes(" 200 ")) throw new Error(`${token}: ${line}`);
    body = got.subarray(head + 4);
  }
  if (!body.equals(sent.subarray(0, body.length))) throw new Error(`${token}: another's bytes`);
  return body.length === sent.length ? "whole" : "cut";
}

export const tcpLoad = (port: number, random: Random) => bytesLoad(port, random, () => "");
export const connectLoad = (port: number, random: Random) =>
  bytesLoad(port, random, () => "CONNECT echo.example:7 HTTP/1.1\r\n\r\n");
