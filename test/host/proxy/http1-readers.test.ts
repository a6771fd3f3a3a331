import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { MessageReader } from "../../../host/proxy/http1/message-reader";
import { RequestReader } from "../../../host/proxy/http1/request-reader";
import { ResponseReader } from "../../../host/proxy/http1/response-reader";

type Said = (string | string[] | number | boolean | undefined)[];

const MAX = 1000;

/** What a reader tells of bytes that come in these pieces; pieces of one body are one. */
function told(make: (said: Said[]) => MessageReader, pieces: readonly Buffer[]): Said[] {
  const said: Said[] = [];
  const reader = make(said);
  for (const piece of pieces) for (let at = 0; at < piece.length; ) at = reader.read(piece, at);
  said.push(["closed", reader.close()]);
  return said.reduce<Said[]>((all, entry) => {
    const last = all.at(-1);
    if (entry[0] === "body" && last?.[0] === "body") last[1] = `${last[1]}${entry[1]}`;
    else all.push(entry);
    return all;
  }, []);
}

/** Of a body that breaks, only what came in earlier pieces is told. */
function sure(said: Said[]): Said[] {
  return said.filter(([kind], i) => kind !== "body" || said[i + 1]?.[0] !== "fault");
}

const requests = (said: Said[]) =>
  new RequestReader(
    {
      onRequestHead: ({ method, target, version, fields, hasBody }) => {
        said.push(["head", method, target, version, fields, hasBody]);
        return method === "CONNECT";
      },
      onRequestBody: (bytes) => said.push(["body", bytes.toString("latin1")]),
      onRequestEnd: (trailers) => said.push(["end", trailers]),
      onRequestFault: (fault) => said.push(["fault", fault]),
    },
    MAX,
  );

const responses = (said: Said[]) =>
  new ResponseReader(
    {
      isHead: false,
      onInformation: (status) => said.push(["information", status]),
      onResponseHead: ({ status, fields, hasBody, untilClose }) =>
        said.push(["head", status, fields, hasBody, untilClose]),
      onResponseBody: (bytes) => bytes.length > 0 && said.push(["body", bytes.toString("latin1")]),
      onResponseEnd: (trailers) => said.push(["end", trailers]),
      onResponseFault: (fault) => said.push(["fault", fault]),
    },
    MAX,
  );

const REQUESTS = [
  "GET / HTTP/1.1\r\n\r\n",
  "\r\n\r\nGET /a HTTP/1.1\r\nHost: a\r\nX-E:\r\nX-S: \t a b \r\n\r\nGET /b HTTP/1.1\r\n\r\n",
  "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\n\r\n",
  "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\nA\r\n0123456789\r\n0\r\nX-T: 1\r\n\r\nGET / HTTP/1.0\r\n\r\n",
  "POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
  "GET /\r\n\r\n",
];

const REFUSED: readonly (readonly [string, string])[] = [
  ["GET / x HTTP/1.1\r\n\r\n", "syntax"],
  ["GET /\tHTTP/1.1\r\n\r\n", "syntax"],
  ["GET / HTTP/1.1\nHost: a\n\n", "syntax"],
  ["GET / HTTP/1.1\r\nHost : a\r\n\r\n", "syntax"],
  ["GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", "syntax"],
  ["GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", "syntax"],
  ["GET / HTTP/1.1\r\nHost: a\0\r\n\r\n", "syntax"],
  ["GET / HTTP/1.1\r\n: a\r\n\r\n", "syntax"],
  ["GET / HTTP/3.0\r\n\r\n", "version"],
  ["\x16\x03\x01", "syntax"],
  ["POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", "syntax"],

  ["POST / HTTP/1.1\r\nContent-Length: +5\r\n\r\nhello", "syntax"],
  ["POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n", "syntax"],
  ["POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello0\r\n\r\n", "syntax"],
  ["POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5 \r\nhello\r\n0\r\n\r\n", "syntax"],
  ["POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 5\r\n\r\n", "syntax"],
  ["POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", "syntax"],
  [`GET /${"a".repeat(MAX)} HTTP/1.1\r\n\r\n`, "head too large"],
  [`GET / HTTP/1.1\r\nX-A: ${"a".repeat(MAX)}`, "head too large"],
];

const RESPONSES = [
  "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
  "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
  "HTTP/1.0 200\r\n\r\nuntil the end",
  "HTTP/1.1 204 No Content\r\n\r\n",
  "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nbytes\n\0\r\n\r\n",
  "HTTP/2.0 200 OK\r\n\r\n",
];

const ALL = [
  ...[...REQUESTS, ...REFUSED.map(([text]) => text)].map((text) => [text, requests] as const),
  ...RESPONSES.map((text) => [text, responses] as const),
];

describe("HTTP/1 readers", () => {
  test.each(REQUESTS)("takes %j", (text) => {
    const said = told(requests, [Buffer.from(text, "latin1")]);
    expect(said.at(-1)).toEqual(["closed", true]);
    expect(said).toMatchSnapshot();
  });

  test.each(RESPONSES)("reads the response %j", (text) => {
    expect(told(responses, [Buffer.from(text, "latin1")])).toMatchSnapshot();
  });

  test.each(REFUSED)("refuses %j: %s", (text, fault) => {
    const said = told(requests, [Buffer.from(text, "latin1")]);
    expect(said.filter(([kind]) => kind === "fault")).toEqual([["fault", fault]]);
  });

  test.each(ALL)("%j, byte by byte", (text, make) => {
    const bytes = Buffer.from(text, "latin1");
    const pieces = Array.from(bytes, (_, i) => bytes.subarray(i, i + 1));
    expect(sure(told(make, pieces))).toEqual(sure(told(make, [bytes])));
  });

  test("anything in any pieces is the same as in one", () => {
    const parts = fc.constantFrom(
      ...["GET ", "POST ", "/", " HTTP/1.1", "\r\n", "\r", "\n", "Host: a", ": ", "Content-Length: 3"],
      ...["Transfer-Encoding: chunked", "\r\n\r\n", "3\r\nabc\r\n", "0\r\n\r\n", "abc", ";x", "\0", " ", "0"],
    );
    const text = fc.array(parts, { maxLength: 12 }).map((all) => `POST / HTTP/1.1\r\n${all.join("")}`);
    fc.assert(
      fc.property(text, fc.array(fc.nat({ max: 60 }), { maxLength: 4 }), (whole, cuts) => {
        const bytes = Buffer.from(whole, "latin1");
        const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
        const pieces = ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end));
        const [split, one] = [told(requests, pieces), told(requests, [bytes])];
        expect(sure(split)).toEqual(sure(one));
      }),
      { numRuns: 3000 },
    );
  });
});
