import { Bytes } from "proxy-wasm-toolkit/sdk";
import { decodeBase64Url } from "proxy-wasm-toolkit/sdk/text/base64";

const SIGNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const PAD = 61;

/**
 * Reads base64url as Envoy's reader of tokens and keys does: white space is skipped, padding may be there if it is whole,
 * and bits beyond the last byte say nothing. Null when it is none.
 */
export function decodePart(text: string): Bytes | null {
  const strict = decodeBase64Url(text);
  if (strict != null) return strict;
  let signs = "";
  for (let i = 0; i < text.length; i++) if (!isSpace(text.charCodeAt(i))) signs += text.charAt(i);
  let end = signs.length;
  while (end > 0 && signs.charCodeAt(end - 1) == PAD) end--;
  const pads = signs.length - end;
  const rest = end & 3;
  if (rest == 1 || (pads != 0 && pads != ((4 - rest) & 3))) return null;
  if (rest == 0) return decodeBase64Url(signs.substring(0, end));
  const last = SIGNS.indexOf(signs.charAt(end - 1));
  if (last < 0) return null;
  const kept = rest == 2 ? 0x30 : 0x3c;
  return decodeBase64Url(signs.substring(0, end - 1) + SIGNS.charAt(last & kept));
}

function isSpace(c: i32): bool {
  return c == 32 || (c >= 9 && c <= 13);
}
