/** One raw input of the corpus. */
export interface RawCase {
  /** Unique; docs/envoy-differences.md names stricter cases by it. */
  name: string;
  /** What goes wrong where a proxy and its upstream do not read this alike. */
  why: string;
  /** Latin-1: one character a byte. */
  bytes: string;
  /**
   * How the Node engine does not do as Envoy: it is stricter (refuses, or closes behind the answer), or refuses it too, by
   * another status, or (of answers, and as an exception) takes what Envoy refuses. Such cases are listed in docs/envoy-differences.md.
   */
  differs?: Difference | undefined;
}

export type Difference = "stricter" | "other status" | "looser";

/** A case as the tables write it. */
export type Row = readonly [name: string, bytes: string, why: string, differs?: Difference];

export function rows(table: readonly Row[]): RawCase[] {
  return table.map(([name, bytes, why, differs]) => ({ name, bytes, why, differs }));
}

/** A request of HTTP/1.1 to host `a`: more header lines, each with its line end, then the body. */
export function request(line: string, headers = "", body = ""): string {
  return `${line} HTTP/1.1\r\nHost: a\r\n${headers}\r\n${body}`;
}

export const get = (headers = "", path = "/case") => request(`GET ${path}`, headers);
export const post = (headers: string, body = "") => request("POST /case", headers, body);
/** A chunked request. */
export const chunked = (body: string, headers = "") => post(`Transfer-Encoding: chunked\r\n${headers}`, body);
