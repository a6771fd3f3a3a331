import type { Difference } from "./raw-case";

/** A raw answer of an upstream. */
export interface RawAnswer {
  name: string;
  bytes: string;
  why: string;
  differs?: Difference | undefined;
  /** What the upstream does behind it; otherwise the connection stays open. */
  ends?: "end" | "reset" | undefined;
}

interface More {
  differs?: Difference;
  ends?: "end" | "reset";
}

const OK = "HTTP/1.1 200 OK\r\n";
const SECOND = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";
const POISON = "the rest becomes the answer to somebody else's request";
const FRAMES = "proxy and client must agree where it ends";
const SPLIT = "what ends a line for one reader is data for another";
const UNASKED = "nobody downstream expects it";
const CUT = "half an answer must not look like a whole one";

const TABLE: readonly (readonly [name: string, bytes: string, why: string, more?: More])[] = [
  ["length", `${OK}Content-Length: 2\r\n\r\nok`, "the rule that the rest bends"],
  ["length: twice the same", `${OK}Content-Length: 2\r\nContent-Length: 2\r\n\r\nok`, FRAMES],
  ["length: two values", `${OK}Content-Length: 2\r\nContent-Length: 1\r\n\r\nok`, FRAMES],
  ["length: list", `${OK}Content-Length: 2, 2\r\n\r\nok`, FRAMES],
  ["length: plus", `${OK}Content-Length: +2\r\n\r\nok`, FRAMES],
  ["length: negative", `${OK}Content-Length: -2\r\n\r\nok`, FRAMES],
  ["length: hexadecimal", `${OK}Content-Length: 0x2\r\n\r\nok`, FRAMES],
  ["length: empty", `${OK}Content-Length:\r\n\r\nok`, FRAMES, { ends: "end" }],
  ["length: 2^64 + 2", `${OK}Content-Length: 18446744073709551618\r\n\r\nok`, FRAMES],
  ["length: blank before the colon", `${OK}Content-Length : 2\r\n\r\nok`, FRAMES],
  ["length: more bytes than it says", `${OK}Content-Length: 1\r\n\r\nok`, POISON],
  ["length: 0 and a body", `${OK}Content-Length: 0\r\n\r\nok`, POISON],
  ["length: a second answer", `${OK}Content-Length: 2\r\n\r\nok${SECOND}`, POISON],
  ["length: fewer bytes, then the end", `${OK}Content-Length: 5\r\n\r\nok`, CUT, { ends: "end" }],
  ["length: fewer bytes, then a reset", `${OK}Content-Length: 5\r\n\r\nok`, CUT, { ends: "reset" }],
  ["no length: until the end", `${OK}X-A: 1\r\n\r\nok`, FRAMES, { ends: "end" }],
  ["no length: a reset for the end", `${OK}X-A: 1\r\n\r\nok`, CUT, { ends: "reset", differs: "stricter" }],
  ["no length: HTTP/1.0 until the end", "HTTP/1.0 200 OK\r\n\r\nok", FRAMES, { ends: "end" }],
  [
    "no length: HTTP/1.0 keep-alive",
    "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok",
    FRAMES,
  ],

  ["chunked", `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`, "the rule that the rest bends"],
  [
    "chunked: with a length",
    `${OK}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
    FRAMES,
  ],
  [
    "chunked: twice",
    `${OK}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
    FRAMES,
  ],
  ["chunked: and identity", `${OK}Transfer-Encoding: chunked, identity\r\n\r\n2\r\nok\r\n0\r\n\r\n`, FRAMES],
  ["chunked: after gzip", `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`, FRAMES],
  ["chunked: identity alone", `${OK}Transfer-Encoding: identity\r\n\r\nok`, FRAMES, { ends: "end" }],
  ["chunked: unknown coding", `${OK}Transfer-Encoding: xchunked\r\n\r\nok`, FRAMES, { ends: "end" }],
  [
    "chunked: of HTTP/1.0",
    "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    FRAMES,
    { ends: "end" },
  ],
  ["chunked: bad size", `${OK}Transfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n`, FRAMES],
  ["chunked: bad size of a later chunk", `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n`, CUT],
  [
    "chunked: size of 2^64",
    `${OK}Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\nok\r\n0\r\n\r\n`,
    FRAMES,
  ],
  ["chunked: size with a sign", `${OK}Transfer-Encoding: chunked\r\n\r\n-2\r\nok\r\n0\r\n\r\n`, FRAMES],
  ["chunked: LF ends", `${OK}Transfer-Encoding: chunked\r\n\r\n2\nok\n0\n\n`, SPLIT],
  [
    "chunked: more data than its size",
    `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nokay\r\n0\r\n\r\n`,
    FRAMES,
    { differs: "stricter" },
  ],
  ["chunked: extension", `${OK}Transfer-Encoding: chunked\r\n\r\n2;a=b\r\nok\r\n0\r\n\r\n`, FRAMES],
  ["chunked: trailers", `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-A: 1\r\n\r\n`, FRAMES],
  [
    "chunked: length among the trailers",
    `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nContent-Length: 9\r\n\r\n`,
    FRAMES,
    { differs: "stricter" },
  ],
  [
    "chunked: the end before the last chunk",
    `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n`,
    CUT,
    { ends: "end" },
  ],
  [
    "chunked: a reset before the last chunk",
    `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n`,
    CUT,
    { ends: "reset" },
  ],
  [
    "chunked: a second answer",
    `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n${SECOND}`,
    POISON,
  ],

  ["status: 100 first", `HTTP/1.1 100 Continue\r\n\r\n${OK}Content-Length: 2\r\n\r\nok`, UNASKED],
  [
    "status: 100 ten times",
    `${"HTTP/1.1 100 Continue\r\n\r\n".repeat(10)}${OK}Content-Length: 2\r\n\r\nok`,
    UNASKED,
  ],
  [
    "status: 100 with a length",
    `HTTP/1.1 100 Continue\r\nContent-Length: 2\r\n\r\n${OK}Content-Length: 2\r\n\r\nok`,
    UNASKED,
  ],
  [
    "status: 100 with length 0",
    `HTTP/1.1 100 Continue\r\nContent-Length: 0\r\n\r\n${OK}Content-Length: 2\r\n\r\nok`,
    UNASKED,
  ],
  [
    "status: 103 with a length, second",
    `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nContent-Length: 2\r\n\r\n${OK}Content-Length: 2\r\n\r\nok`,
    UNASKED,
  ],
  [
    "status: 100 chunked",
    `HTTP/1.1 100 Continue\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${OK}Content-Length: 2\r\n\r\nok`,
    UNASKED,
  ],
  ["status: 102 first", `HTTP/1.1 102 Processing\r\n\r\n${OK}Content-Length: 2\r\n\r\nok`, UNASKED],
  [
    "status: 103 first",
    `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${OK}Content-Length: 2\r\n\r\nok`,
    UNASKED,
  ],
  [
    "status: 101",
    "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    UNASKED,
    { differs: "stricter" },
  ],
  ["status: 101 without upgrade", "HTTP/1.1 101 Switching Protocols\r\n\r\n", UNASKED],
  ["status: 204 with a body", "HTTP/1.1 204 No Content\r\n\r\nok", POISON],
  ["status: 204 with a length", "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok", POISON],
  ["status: 204 chunked", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", POISON],
  ["status: 204 with length 0", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", FRAMES],
  ["status: 205 with a body", "HTTP/1.1 205 Reset Content\r\nContent-Length: 2\r\n\r\nok", FRAMES],
  ["status: 304 with a length", "HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n", FRAMES],
  ["status: 304 with a body", "HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\nok", POISON],
  ["status: 99", "HTTP/1.1 099 Low\r\nContent-Length: 2\r\n\r\nok", UNASKED],
  ["status: 600", "HTTP/1.1 600 High\r\nContent-Length: 2\r\n\r\nok", UNASKED],
  ["status: 999", "HTTP/1.1 999 High\r\nContent-Length: 2\r\n\r\nok", UNASKED],
  ["status: two digits", "HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nok", UNASKED],
  [
    "status: four digits",
    "HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nok",
    UNASKED,
    { differs: "stricter" },
  ],
  ["status: letters", "HTTP/1.1 2x0 OK\r\nContent-Length: 2\r\n\r\nok", UNASKED],
  ["status: negative", "HTTP/1.1 -200 OK\r\nContent-Length: 2\r\n\r\nok", UNASKED],

  ["line: no reason", "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", "allowed"],
  ["line: empty reason", "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok", "allowed"],
  ["line: high bytes in the reason", "HTTP/1.1 200 \xe4\xff\r\nContent-Length: 2\r\n\r\nok", "allowed"],
  ["line: NUL in the reason", "HTTP/1.1 200 O\0K\r\nContent-Length: 2\r\n\r\nok", SPLIT],
  ["line: control character in the reason", "HTTP/1.1 200 O\x01K\r\nContent-Length: 2\r\n\r\nok", SPLIT],
  ["line: DEL in the reason", "HTTP/1.1 200 O\x7fK\r\nContent-Length: 2\r\n\r\nok", SPLIT],
  ["line: tab in the reason", "HTTP/1.1 200 O\tK\r\nContent-Length: 2\r\n\r\nok", "allowed"],
  [
    "line: CR in the reason",
    "HTTP/1.1 200 O\rK\r\nContent-Length: 2\r\n\r\nok",
    SPLIT,
    { differs: "stricter" },
  ],
  ["line: two blanks", "HTTP/1.1  200 OK\r\nContent-Length: 2\r\n\r\nok", SPLIT, { differs: "stricter" }],
  ["line: HTTP/2.0", "HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok", UNASKED],
  ["line: HTTP/1.2", "HTTP/1.2 200 OK\r\nContent-Length: 2\r\n\r\nok", UNASKED, { differs: "stricter" }],
  ["line: small letters", "http/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", UNASKED],
  ["line: none", "garbage\r\n\r\n", UNASKED],
  ["line: empty lines first", `\r\n\r\n${OK}Content-Length: 2\r\n\r\nok`, SPLIT],
  ["line: a request", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", UNASKED],
  ["line: HTTP/0.9", "<html>ok</html>", UNASKED, { ends: "end" }],
  ["line: preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", UNASKED],
  ["line: ICY", "ICY 200 OK\r\nContent-Length: 2\r\n\r\nok", UNASKED],

  ["header: LF ends", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok", SPLIT, { differs: "stricter" }],
  ["header: LF behind one", `${OK}X-A: 1\nContent-Length: 2\r\n\r\nok`, SPLIT, { differs: "stricter" }],
  [
    "header: CR within a value",
    `${OK}X-A: 1\r2\r\nContent-Length: 2\r\n\r\nok`,
    SPLIT,
    { differs: "stricter" },
  ],
  ["header: NUL within a value", `${OK}X-A: 1\x002\r\nContent-Length: 2\r\n\r\nok`, SPLIT],
  ["header: control character", `${OK}X-A: 1\x012\r\nContent-Length: 2\r\n\r\nok`, SPLIT],
  ["header: DEL", `${OK}X-A: 1\x7f2\r\nContent-Length: 2\r\n\r\nok`, SPLIT],
  ["header: high bytes", `${OK}X-A: \xe4\xff\r\nContent-Length: 2\r\n\r\nok`, "allowed"],
  ["header: folded", `${OK}X-A: 1\r\n 2\r\nContent-Length: 2\r\n\r\nok`, SPLIT, { differs: "stricter" }],
  ["header: blank in a name", `${OK}X A: 1\r\nContent-Length: 2\r\n\r\nok`, SPLIT],
  ["header: no colon", `${OK}X-A\r\nContent-Length: 2\r\n\r\nok`, SPLIT],
  ["header: no name", `${OK}: 1\r\nContent-Length: 2\r\n\r\nok`, SPLIT],
  [
    "header: pseudo-header",
    `${OK}:status: 500\r\nContent-Length: 2\r\n\r\nok`,
    "the status is not for headers to say",
  ],
  ["header: underscore", `${OK}X_A: 1\r\nContent-Length: 2\r\n\r\nok`, "allowed"],
  [
    "header: hop by hop",
    `${OK}Connection: x-a\r\nX-A: 1\r\nKeep-Alive: timeout=5\r\nProxy-Connection: close\r\nContent-Length: 2\r\n\r\nok`,
    "ends at the proxy",
  ],
  [
    "header: connection: close",
    `${OK}Connection: close\r\nContent-Length: 2\r\n\r\nok`,
    "ends at the proxy",
    { ends: "end" },
  ],
  [
    "header: upgrade offered",
    `${OK}Connection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nok`,
    UNASKED,
  ],
  [
    "header: 100 lines",
    `${OK}${"X-A: 1\r\n".repeat(99)}Content-Length: 2\r\n\r\nok`,
    "as many as are allowed",
  ],
  ["header: 101 lines", `${OK}${"X-A: 1\r\n".repeat(100)}Content-Length: 2\r\n\r\nok`, "no unbounded memory"],
  ["header: 59 KB", `${OK}X-A: ${"a".repeat(59_000)}\r\nContent-Length: 2\r\n\r\nok`, "within 60 KiB"],
  ["header: 62 KB", `${OK}X-A: ${"a".repeat(62_000)}\r\nContent-Length: 2\r\n\r\nok`, "no unbounded memory"],
  ["header: without an end", `${OK}X-A: ${"a".repeat(100_000)}`, "no unbounded memory"],

  ["end: at once", "", CUT, { ends: "end" }],
  ["end: a reset at once", "", CUT, { ends: "reset" }],
  ["end: within the line", "HTTP/1.1 20", CUT, { ends: "end" }],
  ["end: within the head", `${OK}Content-Le`, CUT, { ends: "end" }],
  ["end: a reset within the head", `${OK}Content-Le`, CUT, { ends: "reset" }],
  ["end: within a 100", "HTTP/1.1 100 Cont", CUT, { ends: "end" }],
  ["end: behind a 100 and half a head", `HTTP/1.1 100 Continue\r\n\r\n${OK}`, CUT, { ends: "end" }],
  ["end: behind a 100", "HTTP/1.1 100 Continue\r\n\r\n", CUT, { ends: "end" }],
];

/** What an upstream may say, right and wrong. */
export const RESPONSES: readonly RawAnswer[] = TABLE.map(([name, bytes, why, more]) => ({
  name,
  bytes,
  why,
  ...more,
}));
