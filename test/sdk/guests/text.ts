/** The text readers as plain exports, for @assemblyscript/loader. */
import { Bytes } from "../../../sdk/memory/bytes";
import { equalsIgnoreCase, lowerCase } from "../../../sdk/text/ascii";
import { decodeBase64, decodeBase64Url, encodeBase64, encodeBase64Url } from "../../../sdk/text/base64";
import { parseDuration } from "../../../sdk/text/duration";
import { Glob } from "../../../sdk/text/glob";
import { addressOf, IpAddress, parseIp, parseIpBlock } from "../../../sdk/text/ip";
import { JsonKind, JsonValue, parseJson } from "../../../sdk/text/json";
import { Regex } from "../../../sdk/text/regex";
import { pathOnly, percentDecode, percentEncode, Query, queryParameter } from "../../../sdk/text/url";
import { isUnicode, isUtf8 } from "../../../sdk/text/utf8";

const NONE = "<none>";

/** The tree written out again: what JSON.stringify gives, numbers with enough digits to read the same. */
export function json(source: string): string {
  const result = parseJson(source);
  const value = result.value;
  return value == null ? `error: ${result.error}` : write(value);
}

function write(value: JsonValue): string {
  if (value.kind == JsonKind.Null) return "null";
  if (value.kind == JsonKind.Bool) return value.number != 0 ? "true" : "false";
  if (value.kind == JsonKind.Number) return `{"bits":"${reinterpret<u64>(value.number).toString()}"}`;
  if (value.kind == JsonKind.Text) return quote(value.text);
  const parts: string[] = [];
  for (let i = 0; i < value.items.length; i++) {
    const item = write(value.items[i]);
    parts.push(value.isObject ? `${quote(value.keys[i])}:${item}` : item);
  }
  return value.isObject ? `{${parts.join(",")}}` : `[${parts.join(",")}]`;
}

function quote(text: string): string {
  const units: string[] = [];
  for (let i = 0; i < text.length; i++) units.push(`\\u${hex4(text.charCodeAt(i))}`);
  return `"${units.join("")}"`;
}

function hex4(unit: i32): string {
  return (0x10000 + unit).toString(16).substring(1);
}

export function regexError(pattern: string): string {
  return new Regex(pattern).error;
}

let compiled: Regex = new Regex("");

export function compile(pattern: string): string {
  compiled = new Regex(pattern);
  return compiled.error;
}

export function matches(text: string): bool {
  return compiled.matches(text);
}

export function duration(text: string): i64 {
  return parseDuration(text);
}

export function glob(pattern: string, ignoreCase: bool, text: string): bool {
  return new Glob(pattern, ignoreCase).matches(text);
}

export function lower(text: string): string {
  return lowerCase(text);
}

export function sameIgnoringCase(a: string, b: string): bool {
  return equalsIgnoreCase(a, b);
}

function show(address: IpAddress | null): string {
  if (address == null) return NONE;
  return `${address.isV4 ? "4" : "6"} ${address.high.toString(16)} ${address.low.toString(16)}`;
}

export function ip(text: string): string {
  return show(parseIp(text));
}

export function address(text: string): string {
  return show(addressOf(text));
}

/** 1 in the block, 0 not, -1 no block, -2 no address. */
export function inBlock(block: string, text: string): i32 {
  const range = parseIpBlock(block);
  const ip = parseIp(text);
  if (range == null) return -1;
  if (ip == null) return -2;
  return range.contains(ip) ? 1 : 0;
}

export function path(target: string): string {
  return pathOnly(target);
}

export function query(target: string, name: string): string {
  const value = queryParameter(target, name);
  return value == null ? NONE : value;
}

export function decodePercent(text: string): string {
  const value = percentDecode(text);
  return value == null ? NONE : value;
}

export function encodePercent(text: string): string {
  return percentEncode(text);
}

/** Name and value of each parameter, a line each. */
export function parameters(target: string): string {
  const query = new Query(target);
  const lines: string[] = [];
  for (let i = 0; i < query.length; i++) lines.push(`${query.name(i)}\n${query.value(i)}\n`);
  return lines.join("");
}

export function parameter(target: string, name: string): string {
  const value = new Query(target).get(name);
  return value == null ? NONE : value;
}

export function allOf(target: string, name: string): string {
  return new Query(target).getAll(name).join("\n");
}

/** One byte a character, both ways. */
function bytesOf(text: string): Bytes {
  const buffer = new ArrayBuffer(text.length);
  for (let i = 0; i < text.length; i++) store<u8>(changetype<usize>(buffer) + <usize>i, text.charCodeAt(i));
  return Bytes.view(buffer);
}

function latin1(bytes: Bytes | null): string {
  if (bytes == null) return NONE;
  const codes: i32[] = [];
  for (let i = 0; i < bytes.length; i++) codes.push(bytes.at(i));
  return String.fromCharCodes(codes);
}

export function toBase64(bytes: string): string {
  return encodeBase64(bytesOf(bytes));
}

export function toBase64Url(bytes: string): string {
  return encodeBase64Url(bytesOf(bytes));
}

export function fromBase64(text: string): string {
  return latin1(decodeBase64(text));
}

export function fromBase64Url(text: string): string {
  return latin1(decodeBase64Url(text));
}

export function utf8(bytes: string): bool {
  return isUtf8(bytesOf(bytes));
}

export function unicode(text: string): bool {
  return isUnicode(text);
}
