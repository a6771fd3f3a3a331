import { get, type RawCase, rows } from "./raw-case";

const NAMES = "an upstream that forgives this sees another header than the proxy has checked";
const VALUES = "what ends a line for one reader is data for another";
const FOLDS = "obs-fold: one reader joins, the other finds a new header";

/** Header lines. */
export const HEADS: RawCase[] = rows([
  ["name: blank before the colon", get("X-A : 1\r\n"), NAMES],
  ["name: tab before the colon", get("X-A\t: 1\r\n"), NAMES],
  ["name: blank within", get("X A: 1\r\n"), NAMES],
  ["name: empty", get(": 1\r\n"), NAMES],
  ["name: no colon", get("X-A\r\n"), NAMES],
  ["name: equals sign for the colon", get("X-A=1\r\n"), NAMES],
  ["name: blank first", "GET /case HTTP/1.1\r\n X-A: 1\r\nHost: a\r\n\r\n", "a fold with nothing before it"],
  ["name: colon first", get(":path: /other\r\n"), "pseudo-headers of HTTP/2 are no business of HTTP/1"],
  ["name: NUL within", get("X\0A: 1\r\n"), NAMES],
  ["name: CR within", get("X\rA: 1\r\n"), NAMES],
  ["name: high byte", get("X-\xe9: 1\r\n"), NAMES],
  ["name: DEL", get("X-\x7f: 1\r\n"), NAMES],
  ["name: brackets", get("X[a]: 1\r\n"), NAMES],
  ["name: braces", get("X{a}: 1\r\n"), NAMES],
  ["name: slash", get("X/A: 1\r\n"), NAMES],
  ["name: quote", get('X"A: 1\r\n'), NAMES],
  ["name: at sign", get("X@A: 1\r\n"), NAMES],
  ["name: parentheses", get("X(a): 1\r\n"), NAMES],
  ["name: every token character", get("!#$%&'*+-.^_`|~09azAZ: 1\r\n"), "all of them are allowed"],
  ["name: underscore", get("X_A: 1\r\n"), "allowed unless headers_with_underscores_action says otherwise"],
  ["name: 300 characters", get(`${"x".repeat(300)}: 1\r\n`), "no limit but that of the head"],

  ["value: empty", get("X-A:\r\n"), "empty is not missing"],
  ["value: blanks around", get("X-A: \t 1 \t \r\n"), "blanks around a value are no part of it"],
  ["value: tab within", get("X-A: 1\t2\r\n"), "allowed"],
  ["value: NUL", get("X-A: 1\x002\r\n"), VALUES],
  ["value: CR within", get("X-A: 1\r2\r\n"), VALUES, "stricter"],
  ["value: CR CR LF", get("X-A: 1\r\r\n"), VALUES, "stricter"],
  ["value: CR before a header", get("X-A: 1\rX-B: 2\r\n"), VALUES, "stricter"],
  ["value: LF before a header", get("X-A: 1\nX-B: 2\r\n"), VALUES, "stricter"],
  ["value: control character", get("X-A: 1\x012\r\n"), VALUES],
  ["value: escape", get("X-A: \x1b[31m\r\n"), VALUES],
  ["value: DEL", get("X-A: 1\x7f2\r\n"), VALUES],
  ["value: high bytes", get("X-A: \x80\xff\r\n"), "allowed"],
  ["value: vertical tab around", get("X-A: \x0b1\x0b\r\n"), VALUES],

  ["fold: blank", get("X-A: 1\r\n 2\r\n"), FOLDS, "stricter"],
  ["fold: tab", get("X-A: 1\r\n\t2\r\n"), FOLDS, "stricter"],
  ["fold: of nothing", get("X-A: 1\r\n \r\n"), FOLDS, "stricter"],
  ["fold: behind an empty value", get("X-A:\r\n 1\r\n"), FOLDS, "stricter"],
  ["fold: of transfer-encoding", `${get("Transfer-Encoding:\r\n chunked\r\n")}0\r\n\r\n`, FOLDS, "stricter"],
  ["fold: of content-length", `${get("Content-Length: 1\r\n 0\r\n")}0123456789`, FOLDS],
  ["fold: that looks like a header", get("X-A: 1\r\n Content-Length: 40\r\n"), FOLDS, "stricter"],
  ["fold: LF before", get("X-A: 1\n 2\r\n"), FOLDS, "stricter"],

  ["end: LF behind a header", "GET /case HTTP/1.1\r\nHost: a\nX-A: 1\r\n\r\n", VALUES, "stricter"],
  ["end: LF behind the request line", "GET /case HTTP/1.1\nHost: a\r\n\r\n", VALUES, "stricter"],
  ["end: LF for the blank line", "GET /case HTTP/1.1\r\nHost: a\r\n\n", VALUES, "stricter"],
  ["end: only LFs", "GET /case HTTP/1.1\nHost: a\n\n", VALUES, "stricter"],
  ["end: CR behind a header", "GET /case HTTP/1.1\r\nHost: a\rX-A: 1\r\n\r\n", VALUES],
  ["end: only CRs", "GET /case HTTP/1.1\rHost: a\r\r", VALUES],
  ["end: CR LF CR X", "GET /case HTTP/1.1\r\nHost: a\r\n\rX", VALUES],
  ["end: CR CR LF for the blank line", "GET /case HTTP/1.1\r\nHost: a\r\n\r\r\n", VALUES],

  ["size: 100 lines", get("X-A: 1\r\n".repeat(99)), "as many as are allowed"],
  ["size: 101 lines", get("X-A: 1\r\n".repeat(100)), "one more"],
  ["size: value of 59 KB", get(`X-A: ${"a".repeat(59_000)}\r\n`), "within 60 KiB"],
  ["size: value of 62 KB", get(`X-A: ${"a".repeat(62_000)}\r\n`), "beyond 60 KiB"],
  ["size: 50 KB of a path", get("", `/${"a".repeat(50_000)}`), "the line counts too"],
  ["size: 70 KB of a path", get("", `/${"a".repeat(70_000)}`), "the line counts too"],
]);
