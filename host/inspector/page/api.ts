import type { Comparison, InspectorState, StreamSummary, StreamView } from "../model";

async function ask<T>(path: string, method = "GET"): Promise<T> {
  const response = await fetch(path, { method, headers: { "x-inspector": "1" } });
  if (!response.ok) throw new Error((await response.text()) || `${response.status}`);
  return (await response.json()) as T;
}

export const api = {
  state: () => ask<InspectorState>("/api/streams"),
  stream: (id: number) => ask<StreamView>(`/api/streams/${id}`),
  resume: (id: number) => ask(`/api/streams/${id}/resume`, "POST"),
  compare: (id: number) => ask<Comparison>(`/api/streams/${id}/envoy`, "POST"),
  pauseOnTrap: (on: boolean) => ask(`/api/pause-on-trap/${on ? "on" : "off"}`, "POST"),
  clear: () => ask<InspectorState>("/api/clear", "POST"),
  scenario: (id: number) => `/api/streams/${id}/scenario`,
};

/** Hears of changed streams, and of every new connection to the proxy: what happened before it is unknown. */
export function listen(changed: (streams: StreamSummary[]) => void, connected: (on: boolean) => void): void {
  const source = new EventSource("/api/events");
  source.onopen = () => connected(true);
  source.onerror = () => connected(false);
  source.onmessage = ({ data }: MessageEvent<string>) => changed(JSON.parse(data) as StreamSummary[]);
}
