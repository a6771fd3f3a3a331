import type { Random } from "./relay";

/** What an exchange may come to; everything else is a mistake of the proxy, and thrown. */
export type Outcome = "whole" | "refused" | "cut" | "left";

/** The proxy's own answers when a host does not behave. */
const REFUSALS: Readonly<Record<number, RegExp>> = {
  502: /^upstream connect error or disconnect\/reset before headers.* reset reason: protocol error$/,
  503: /^upstream connect error or disconnect\/reset before headers/,
  504: /^upstream request timeout$/,
};

/** The text of a request, which is its token over and over: no other has a byte of it in this place. */
export function textOf(token: string, random: Random): Buffer {
  const size = Math.floor(random() ** 4 * 300_000);
  return Buffer.from(token.repeat(Math.ceil(size / token.length)));
}

/** Judges an answer. `end`: it came to its end. */
export function judge(
  token: string,
  sent: Buffer,
  answer: { status: number; token: unknown; body: Buffer; end: boolean },
): Outcome {
  const { status, body, end } = answer;
  if (status !== 200) {
    const known = REFUSALS[status];
    // Cut before a word of it was read, it is one of these by its status alone.
    const silent = !end && body.length === 0;
    if (!known || !(silent || known.test(body.toString())))
      throw new Error(`${token}: unexpected ${status} ${body.subarray(0, 200)}`);
    return "refused";
  }
  if (answer.token !== token) throw new Error(`${token}: the answer to ${answer.token}`);
  if (!body.equals(sent.subarray(0, body.length))) throw new Error(`${token}: another's bytes`);
  if (!end) return "cut";
  if (body.length !== sent.length)
    throw new Error(`${token}: ${body.length} bytes of ${sent.length}, as if whole`);
  return "whole";
}

/** Resolves once it is closed; unlike `once`, errors or not. */
export function closed(stream: NodeJS.EventEmitter): Promise<void> {
  return new Promise((resolve) => stream.once("close", () => resolve()));
}

/** An exchange that comes to nothing at all was lost. */
export function inTime<T>(token: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const lost = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${token}: no end of it`)), 30_000);
  });
  return Promise.race([work, lost]).finally(() => clearTimeout(timer));
}
