import { get, post, type RawCase, request, rows } from "./raw-case";

const SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
const TWO_LENGTHS = "two readers that take different lines see different ends of the body";
const TWO_FRAMINGS = "CL.TE and TE.CL: who goes by the other header finds a request in the body";
const HIDDEN = "a reader that does not know the coding goes by content-length, or by nothing";
const NUMBERS = "number parsers disagree about everything but plain digits";

/** Where a message ends: content-length and transfer-encoding. */
export const FRAMING: RawCase[] = rows([
  ["length: plain", post("Content-Length: 3\r\n", "abc"), "the rule that the rest of the table bends"],
  ["length: twice the same", post("Content-Length: 3\r\nContent-Length: 3\r\n", "abc"), TWO_LENGTHS],
  ["length: two values", post("Content-Length: 3\r\nContent-Length: 0\r\n", "abc"), TWO_LENGTHS],
  ["length: second is longer", post("Content-Length: 0\r\nContent-Length: 40\r\n", SMUGGLED), TWO_LENGTHS],
  ["length: list of equals", post("Content-Length: 3, 3\r\n", "abc"), TWO_LENGTHS],
  ["length: list", post("Content-Length: 3, 4\r\n", "abc"), TWO_LENGTHS],
  ["length: negative", post("Content-Length: -1\r\n", "abc"), NUMBERS],
  ["length: minus zero", post("Content-Length: -0\r\n"), NUMBERS],
  ["length: plus", post("Content-Length: +3\r\n", "abc"), NUMBERS],
  ["length: hexadecimal", post("Content-Length: 0x3\r\n", "abc"), NUMBERS],
  ["length: leading zeros", post("Content-Length: 003\r\n", "abc"), NUMBERS],
  ["length: octal looking", post("Content-Length: 010\r\n", "0123456789"), NUMBERS],
  ["length: decimal point", post("Content-Length: 3.0\r\n", "abc"), NUMBERS],
  ["length: exponent", post("Content-Length: 1e1\r\n", "0123456789"), NUMBERS],
  ["length: underscore in it", post("Content-Length: 1_0\r\n", "0123456789"), NUMBERS],
  ["length: blank in it", post("Content-Length: 1 0\r\n", "0123456789"), NUMBERS],
  ["length: letters behind it", post("Content-Length: 3abc\r\n", "abc"), NUMBERS],
  ["length: semicolon behind it", post("Content-Length: 3;\r\n", "abc"), NUMBERS],
  ["length: empty", post("Content-Length:\r\n"), NUMBERS],
  ["length: only blanks", post("Content-Length:   \r\n"), NUMBERS],
  [
    "length: blanks around",
    post("Content-Length:   3  \r\n", "abc"),
    "blanks around a value are no part of it",
  ],
  ["length: tab before", post("Content-Length:\t3\r\n", "abc"), "a tab is a blank too"],
  ["length: vertical tab before", post("Content-Length: \x0b3\r\n", "abc"), "isspace() takes it for a blank"],
  ["length: 2^63", post("Content-Length: 9223372036854775808\r\n", "abc"), "overflows a signed count"],
  ["length: 2^64", post("Content-Length: 18446744073709551616\r\n", "abc"), "wraps to no body at all"],
  ["length: 2^64 + 3", post("Content-Length: 18446744073709551619\r\n", "abc"), "wraps to three bytes"],
  ["length: 40 digits", post(`Content-Length: ${"9".repeat(40)}\r\n`, "abc"), "wraps to anything"],
  ["length: quoted", post('Content-Length: "3"\r\n', "abc"), NUMBERS],
  ["length: digits of another script", post("Content-Length: \xb2\r\n", "ab"), "isdigit() of a locale"],
  [
    "length: of a GET",
    request("GET /case", "Content-Length: 3\r\n", "abc"),
    "a reader that thinks GET has no body",
  ],
  ["length: of a HEAD", request("HEAD /case", "Content-Length: 3\r\n", "abc"), "as above"],
  ["length: of a GET, hides a request", get(`Content-Length: ${SMUGGLED.length}\r\n`) + SMUGGLED, "GET.CL"],
  [
    "length: name with a blank before the colon",
    post("Content-Length : 3\r\n", "abc"),
    "known to some, unknown to others",
  ],
  ["length: name with a tab before the colon", post("Content-Length\t: 3\r\n", "abc"), "as above"],
  ["length: name with an underscore", post("Content_Length: 40\r\n", SMUGGLED), "CGI makes _ and - the same"],
  ["length: name with a high byte", post("Content-Length\xa0: 3\r\n", "abc"), "trim() of a locale"],
  ["length: none for POST", post(""), "no header means no body, not a body until the end"],

  [
    "both: length first",
    post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    TWO_FRAMINGS,
  ],
  [
    "both: length last",
    post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"),
    TWO_FRAMINGS,
  ],
  [
    "both: CL.TE",
    post(`Content-Length: ${5 + SMUGGLED.length}\r\nTransfer-Encoding: chunked\r\n`, `0\r\n\r\n${SMUGGLED}`),
    TWO_FRAMINGS,
  ],
  [
    "both: TE.CL",
    post("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", `26\r\n${SMUGGLED}\r\n0\r\n\r\n`),
    TWO_FRAMINGS,
  ],
  ["both: length 0", post("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), TWO_FRAMINGS],
  [
    "both: unreadable length",
    post("Content-Length: x\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    TWO_FRAMINGS,
  ],
  [
    "both: length nominated away",
    post("Connection: content-length\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    "removed before it is checked",
  ],

  ["coding: identity", post("Transfer-Encoding: identity\r\n"), HIDDEN],
  [
    "coding: identity with a length",
    post("Transfer-Encoding: identity\r\nContent-Length: 3\r\n", "abc"),
    HIDDEN,
  ],
  ["coding: chunked, identity", post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"), HIDDEN],
  ["coding: identity, chunked", post("Transfer-Encoding: identity, chunked\r\n", "0\r\n\r\n"), HIDDEN],
  ["coding: gzip, chunked", post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), HIDDEN],
  ["coding: chunked twice in a line", post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"), HIDDEN],
  [
    "coding: chunked in two lines",
    post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    HIDDEN,
  ],
  [
    "coding: identity and chunked in two lines",
    post("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    HIDDEN,
  ],
  [
    "coding: chunked and identity in two lines",
    post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n"),
    HIDDEN,
  ],
  ["coding: capitals", post("Transfer-Encoding: CHUNKED\r\n", "0\r\n\r\n"), "codings have no case"],
  ["coding: mixed case of name and value", post("tRANSFER-eNCODING: cHuNkEd\r\n", "0\r\n\r\n"), "as above"],
  [
    "coding: xchunked",
    post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"),
    "found by those who only search for the word",
  ],
  ["coding: chunkedx", post("Transfer-Encoding: chunkedx\r\n", "0\r\n\r\n"), "as above"],
  ["coding: chunked with a comma behind", post("Transfer-Encoding: chunked,\r\n", "0\r\n\r\n"), HIDDEN],
  ["coding: chunked with a comma before", post("Transfer-Encoding: ,chunked\r\n", "0\r\n\r\n"), HIDDEN],
  ["coding: chunked with a parameter", post("Transfer-Encoding: chunked;q=1\r\n", "0\r\n\r\n"), HIDDEN],
  ["coding: chunked quoted", post('Transfer-Encoding: "chunked"\r\n', "0\r\n\r\n"), HIDDEN],
  ["coding: blank behind chunked", post("Transfer-Encoding: chunked \r\n", "0\r\n\r\n"), "trimmed by some"],
  ["coding: tab before chunked", post("Transfer-Encoding:\tchunked\r\n", "0\r\n\r\n"), "trimmed by some"],
  ["coding: tab behind chunked", post("Transfer-Encoding: chunked\t\r\n", "0\r\n\r\n"), "trimmed by some"],
  [
    "coding: vertical tab before chunked",
    post("Transfer-Encoding: \x0bchunked\r\n", "0\r\n\r\n"),
    "trimmed by some",
  ],
  [
    "coding: NUL behind chunked",
    post("Transfer-Encoding: chunked\0\r\n", "0\r\n\r\n"),
    "the end of a C string",
  ],
  ["coding: empty", post("Transfer-Encoding:\r\n"), HIDDEN],
  ["coding: empty with a length", post("Transfer-Encoding:\r\nContent-Length: 3\r\n", "abc"), HIDDEN],
  ["coding: blank before the colon", post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"), HIDDEN],
  [
    "coding: name with an underscore",
    post("Transfer_Encoding: chunked\r\n", "0\r\n\r\n"),
    "CGI makes _ and - the same",
  ],
  ["coding: name with a NUL", post("Transfer-Encoding\0: chunked\r\n", "0\r\n\r\n"), HIDDEN],
  [
    "coding: nominated away",
    post("Connection: transfer-encoding\r\nTransfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n"),
    "a body without a frame",
  ],
  [
    "coding: of HTTP/1.0",
    "POST /case HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "1.0 has no chunks",
  ],
  [
    "coding: of a GET",
    `${get("Transfer-Encoding: chunked\r\n")}3\r\nabc\r\n0\r\n\r\n`,
    "a reader that thinks GET has no body",
  ],
]);
