import { normalise, RawClient } from "../../host/proxy/support/raw-client";
import { RawClient as HttpClient } from "../../support/raw-client";
import type { RawUpstream, UpstreamRequest } from "../../support/raw-upstream";

/** A request behind the raw input: who answers it has read the input to its end, and found an end where we mean it. */
const PROBE = "GET /probe HTTP/1.1\r\nHost: probe\r\n\r\n";
const SENTINEL = "/sentinel";
/** Round trips through proxy and upstream without news: whatever the input was to cause is done by then. */
const QUIET_ROUNDS = 3;

/** What a raw input did, from all sides. */
export interface Outcome {
  /** Responses as they came, one after the other; only the head of one whose end did not come. */
  answers: string[];
  /** Whole requests as they arrived at the upstream. One that was begun and cut is none: when it is cut is chance. */
  upstream: string[];
  /** The proxy has ended the connection, or said that it will, or has to. */
  closes: boolean;
}

/** Sends raw inputs through one proxy, whose upstream nobody else uses. */
export class Observer {
  private constructor(
    private readonly port: number,
    private readonly upstream: RawUpstream,
    private readonly sentinel: HttpClient,
    private readonly isBusy: () => boolean,
  ) {}

  /** `isBusy`: the upstream has not done yet what it is to do. `fence`: where to ask for news, if not at the same port. */
  static async create(
    port: number,
    upstream: RawUpstream,
    { isBusy = () => false, fence = port }: { isBusy?: () => boolean; fence?: number } = {},
  ): Promise<Observer> {
    return new Observer(port, upstream, await HttpClient.connect(fence), isBusy);
  }

  async send(bytes: string): Promise<Outcome> {
    const seen = this.requests.length;
    const client = await RawClient.connect(this.port);
    client.write(bytes + PROBE);
    await this.settle(() => `${client.received.length} ${client.closed} ${this.requests.length}`);
    const { received } = client;
    const gone = client.ended || client.closed;
    client.destroy();
    const requests = this.requests.slice(seen);
    const { answers, cut } = split(received, bytes.startsWith("HEAD "));
    return {
      answers,
      upstream: (await Promise.all(requests.map(describe))).filter((text) => text !== undefined),
      closes: gone || cut || /\r\nconnection: close\r\n/i.test(answers.at(-1) ?? ""),
    };
  }

  private get requests(): readonly UpstreamRequest[] {
    return this.upstream.requests.filter(({ path }) => path !== SENTINEL);
  }

  private async settle(news: () => string): Promise<void> {
    let last = "";
    for (let quiet = 0; quiet < QUIET_ROUNDS; quiet++) {
      await this.sentinel.exchange({ path: SENTINEL });
      if (news() !== last || this.isBusy()) quiet = 0;
      last = news();
    }
  }

  close(): void {
    this.sentinel.close();
  }
}

async function describe({ startLine, headers, message }: UpstreamRequest): Promise<string | undefined> {
  const { body, trailers, complete } = await message;
  if (!complete) return undefined;
  const lines = [startLine, ...headers.map(([name, value]) => `${name}: ${value}`)];
  const more = trailers.map(([name, value]) => `${name}: ${value}\r\n`);
  return normalise(`${lines.join("\r\n")}\r\n\r\n${body.toString("latin1")}${more.join("")}`);
}

/** The responses in what a client has received; behind one that is cut short nothing can follow. */
function split(text: string, isHead: boolean): { answers: string[]; cut: boolean } {
  const answers: string[] = [];
  let rest = text;
  while (rest !== "") {
    const head = /^HTTP\/1\.[01] (\d+)[\s\S]*?\r\n\r\n/.exec(rest);
    if (!head) return { answers: [...answers, `? ${rest}`], cut: true };
    const status = Number(head[1]);
    const bodiless = status < 200 || status === 204 || status === 304 || (isHead && answers.length === 0);
    const length = bodiless ? 0 : bodyLength(head[0], rest.slice(head[0].length));
    const end = head[0].length + length;
    answers.push(normalise(rest.slice(0, end)));
    if (end > rest.length) return { answers, cut: true };
    rest = rest.slice(end);
  }
  return { answers, cut: false };
}

/** Infinite for what has no end yet. */
function bodyLength(head: string, body: string): number {
  const declared = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
  if (declared !== undefined) return Number(declared);
  if (!/\r\ntransfer-encoding: chunked/i.test(head)) return body.length;
  const last = body.startsWith("0\r\n\r\n") ? 0 : body.indexOf("\r\n0\r\n\r\n") + 2;
  return last === 1 ? Number.POSITIVE_INFINITY : last + 5;
}

/** An outcome in a few words: `200, 400, closes`. */
export function summary({ answers, closes }: Outcome): string {
  const words = answers.map((answer) => /^HTTP\/1\.[01] (\d+)/.exec(answer)?.[1] ?? "bytes");
  return [...words, ...(closes ? ["closes"] : [])].join(", ") || "waits";
}

/** Has a proxy ended the connection, and handed on nothing that Envoy does not? */
export function isStricter(ours: Outcome, envoys: Outcome): boolean {
  return ours.closes && ours.upstream.every((request, i) => request === envoys.upstream[i]);
}
