import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import { closed, judge, type Outcome, textOf } from "./outcome";
import type { Random } from "./relay";

/** One exchange after the other, with whatever connections they need. */
export interface Load {
  exchange(token: string): Promise<Outcome>;
  close(): void;
}

const PATHS = ["/plain", "/retry"];
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** HTTP/1.1 on connections that are kept: an answer to an earlier request would be found out. */
export function http1Load(port: number, random: Random): Load {
  const agent = new Agent({ keepAlive: true, maxSockets: 12 });
  return {
    exchange: (token) =>
      new Promise((resolve, reject) => {
        const sent = textOf(token, random);
        const request = httpRequest({
          agent,
          port,
          host: "127.0.0.1",
          method: "POST",
          path: PATHS[random() < 0.5 ? 0 : 1]!,
          headers: { "x-token": token },
        });
        let left = false;
        let answer: IncomingMessage | undefined;
        request.on("response", (response) => {
          answer = response;
          const chunks: Buffer[] = [];
          const settle = () => {
            const { statusCode: status = 0, headers, complete: end } = response;
            try {
              resolve(
                left
                  ? "left"
                  : judge(token, sent, {
                      status,
                      token: headers["x-token"],
                      body: Buffer.concat(chunks),
                      end,
                    }),
              );
            } catch (error) {
              reject(error);
            }
          };
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("error", () => {});
          response.once("close", settle);
          if (random() < 0.1) {
            response.pause();
            setTimeout(() => response.resume(), random() * 60);
          }
        });
        request.on("error", (error) => {
          if (left) resolve("left");
          // What comes after the head is told by the response.
          else if (!answer) reject(new Error(`${token}: lost: ${error.message}`));
        });
        if (random() < 0.04)
          setTimeout(() => {
            left = true;
            request.destroy();
          }, random() * 30);
        void send(request, sent, random);
      }),
    close: () => agent.destroy(),
  };
}

/** In one piece, or bit by bit. */
async function send(
  to: { write(data: Buffer): boolean; end(data?: Buffer): unknown; destroyed: boolean },
  data: Buffer,
  random: Random,
): Promise<void> {
  if (random() < 0.7) return void to.end(data);
  const middle = Math.floor(random() * data.length);
  to.write(data.subarray(0, middle));
  await pause(random() * 20);
  if (!to.destroyed) to.end(data.subarray(middle));
}

/** Resolves once it is over. Node's client never closes a stream that was reset without an error while it was paused. */
async function over(stream: ClientHttp2Stream): Promise<void> {
  let gone = false;
  void closed(stream).then(() => {
    gone = true;
  });
  for (let stuck = 0; !gone && stuck < 25; stuck += stream.closed ? 1 : 0) await pause(20);
}

/** HTTP/2, many streams on each of a few connections. */
export function http2Load(port: number, random: Random): Load {
  const sessions: (ClientHttp2Session | undefined)[] = [undefined, undefined];
  const session = () => {
    const at = Math.floor(random() * sessions.length);
    let found = sessions[at];
    if (!found || found.closed || found.destroyed) {
      found = connect(`http://127.0.0.1:${port}`);
      found.on("error", () => {});
      sessions[at] = found;
    }
    return found;
  };
  return {
    async exchange(token) {
      const sent = textOf(token, random);
      const stream = session().request({
        ":method": "POST",
        ":path": `${PATHS[random() < 0.5 ? 0 : 1]!}-h2`,
        "x-token": token,
      });
      const chunks: Buffer[] = [];
      let head: Record<string, unknown> | undefined;
      let end = false;
      let left = false;
      stream.on("error", () => {});
      stream.on("response", (headers) => {
        head = headers;
      });
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        end = stream.rstCode === 0;
      });
      if (random() < 0.1) {
        stream.pause();
        setTimeout(() => stream.resume(), random() * 60);
      }
      if (random() < 0.04)
        setTimeout(() => {
          left = true;
          stream.close(8);
        }, random() * 30);
      void send(stream, sent, random);
      await over(stream);
      if (left) return "left";
      if (!head) throw new Error(`${token}: lost: stream closed with ${stream.rstCode}`);
      const body = Buffer.concat(chunks);
      return judge(token, sent, { status: Number(head[":status"]), token: head["x-token"], body, end });
    },
    close: () => {
      for (const each of sessions) each?.destroy();
    },
  };
}
