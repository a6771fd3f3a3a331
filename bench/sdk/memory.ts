import { Client } from "./client";
import { EnvoyUnderTest } from "./envoy";

const BODY = "0123456789".repeat(100);
const HEADERS = Array.from({ length: 20 }, (_, i) => `X-Header-${i}: value of header ${i}\r\n`).join("");
const REQUEST = `POST / HTTP/1.1\r\nHost: bench\r\n${HEADERS}Content-Length: ${BODY.length}\r\n\r\n${BODY}`;

export interface MemorySample {
  requests: number;
  /** The module's linear memory, KiB. */
  module: number;
  /** Envoy's resident memory, MiB. */
  envoy: number;
}

/** Memory while so many requests with 20 headers and a body of 1000 bytes are read. */
export async function memoryOver(wasm: Uint8Array, requests: number): Promise<MemorySample[]> {
  const envoy = await EnvoyUnderTest.start([{ name: "reader", wasm }]);
  const client = await Client.open(envoy.ports.get("reader")!, REQUEST, 8);
  const samples: MemorySample[] = [];
  try {
    const step = requests / 10;
    for (let done = 0; done <= requests; done += step) {
      if (done > 0) await client.run(step);
      const [, pages] = /\r\n\r\n\d+ (\d+)/.exec(await client.ask())!;
      samples.push({ requests: done, module: Number(pages) * 64, envoy: envoy.memory() });
    }
  } finally {
    client.close();
    await envoy.stop();
  }
  return samples;
}
