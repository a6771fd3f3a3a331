/** Bytes of one answer that are read; more is refused, as nobody scrapes so much. */
const MAX_BYTES = 16 * 1024 * 1024;
const TIMEOUT_MS = 3000;

export interface Answer {
  status: number;
  text: string;
}

/** GETs a page of the proxy or of the app; undefined when there is no whole answer in time. */
export async function ask(url: string, accept = "*/*"): Promise<Answer | undefined> {
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = await fetch(url, {
      redirect: "manual",
      signal,
      headers: { accept, connection: "close" },
    });
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of response.body ?? []) {
      size += chunk.length;
      if (size > MAX_BYTES) return undefined;
      chunks.push(chunk);
    }
    return { status: response.status, text: Buffer.concat(chunks).toString("utf8") };
  } catch {
    return undefined;
  }
}
