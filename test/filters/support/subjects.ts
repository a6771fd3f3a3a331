import type { RawHeaders } from "../../support/http-message";
import { RawClient, type RawRequest, type RawResponse } from "../../support/raw-client";

/** A request, and the loopback address it comes from. */
export interface Probe extends RawRequest {
  from?: string;
}

/** What a client sees of a response, apart from what differs by nature. */
export interface Seen {
  status: number;
  body: string;
  headers: RawHeaders;
}

const IGNORED = new Set(["date", "server", "x-envoy-upstream-service-time"]);

export function seen(response: RawResponse): Seen {
  const headers = response.headers.filter(([name]) => !IGNORED.has(name.toLowerCase()));
  return { status: response.status, body: response.text, headers: headers.toSorted() };
}

/** Sends requests one after the other, on one connection for each address they come from. */
export async function probe(port: number, probes: readonly Probe[]): Promise<Seen[]> {
  const clients = new Map<string | undefined, RawClient>();
  const answers: Seen[] = [];
  try {
    for (const { from, ...request } of probes) {
      let client = clients.get(from);
      if (!client) {
        client = await RawClient.connect(port, "127.0.0.1", from);
        clients.set(from, client);
      }
      const response = await client.exchange(request);
      answers.push(seen(response));
      if (response.header("connection") !== "close") continue;
      client.close();
      clients.delete(from);
    }
  } finally {
    for (const client of clients.values()) client.close();
  }
  return answers;
}
