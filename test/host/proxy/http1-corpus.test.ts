import { describe, expect, test } from "vitest";
import type { MessageReader } from "../../../host/proxy/http1/message-reader";
import { RequestReader } from "../../../host/proxy/http1/request-reader";
import { ResponseReader } from "../../../host/proxy/http1/response-reader";
import { CHUNKS } from "../../conformance/http1/corpus/chunks";
import { CONNECTIONS } from "../../conformance/http1/corpus/connections";
import { FRAMING } from "../../conformance/http1/corpus/framing";
import { HEADS } from "../../conformance/http1/corpus/heads";
import { RESPONSES } from "../../conformance/http1/corpus/responses";
import { TARGETS_AND_HOSTS } from "../../conformance/http1/corpus/targets";

/** Raw inputs of the corpora: in how many pieces they come makes no difference. */

const MAX_HEAD = 60 * 1024;

type Said = [what: string, ...details: unknown[]];

const requests = (say: (...said: Said) => void) =>
  new RequestReader(
    {
      onRequestHead(start) {
        say("head", start.method, start.target, start.version, start.fields, start.hasBody);
        return start.method === "CONNECT";
      },
      onRequestBody: (bytes) => say("body", bytes.toString("latin1")),
      onRequestEnd: (trailers) => say("end", trailers),
      onRequestFault: (fault) => say("fault", fault),
    },
    MAX_HEAD,
  );

const responses = (say: (...said: Said) => void) =>
  new ResponseReader(
    {
      isHead: false,
      onInformation: (status) => say("information", status),
      onResponseHead: ({ status, fields, hasBody }) => say("head", status, fields, hasBody),
      onResponseBody: (bytes) => say("body", bytes.toString("latin1")),
      onResponseEnd: (trailers) => say("end", trailers),
      onResponseFault: (fault) => say("fault", fault),
    },
    MAX_HEAD,
  );

/** What is told of an input; of its bodies all bytes, but for what comes right before a fault. */
function told(make: typeof requests | typeof responses, pieces: Iterable<Buffer>): Said[] {
  const said: Said[] = [];
  let body = "";
  const reader: MessageReader = make((...entry) => {
    if (entry[0] === "body") {
      body += entry[1];
      return;
    }
    if (body !== "" && entry[0] !== "fault") said.push(["body", body]);
    body = "";
    said.push(entry);
  });
  for (const piece of pieces) for (let at = 0; at < piece.length; ) at = reader.read(piece, at);
  const closed = reader.close();
  return [...said, ["closed", closed]];
}

function* cut(bytes: Buffer, length: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

const NEXT = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n";

const ALL = [
  ...[...FRAMING, ...CHUNKS, ...HEADS, ...TARGETS_AND_HOSTS, ...CONNECTIONS].map(
    ({ name, bytes }) => [`request ${name}`, bytes + NEXT, requests] as const,
  ),
  ...RESPONSES.map(({ name, bytes }) => [`response ${name}`, bytes, responses] as const),
];

describe("Pieces of HTTP/1", () => {
  test.each(ALL)("%s", (_, text, make) => {
    const bytes = Buffer.from(text, "latin1");
    const whole = told(make, [bytes]);
    for (const length of [1, 2, 3, 7, 64, 4096])
      expect(told(make, cut(bytes, length)), `${length}`).toEqual(whole);
  });
});
