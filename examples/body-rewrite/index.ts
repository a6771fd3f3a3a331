import { Action, HttpFilter, registerHttp } from "proxy-wasm-toolkit/sdk";

/** Larger bodies pass as they are: a buffered body costs memory in the proxy. */
const LARGEST: i64 = 65536;

/** Masks payment card numbers (16 digits) in text and JSON responses. */
class Mask extends HttpFilter {
  private wanted: bool = false;

  onResponseHeaders(): Action {
    const headers = this.response.headers;
    const type = headers.get("content-type") || "";
    const length = headers.get("content-length");
    const short = length != null && I64.parseInt(length) <= LARGEST;
    this.wanted = short && (type.startsWith("text/") || type.startsWith("application/json"));
    // The proxy does not correct it, and masks may differ in length from what they hide.
    if (this.wanted) headers.remove("content-length");
    return Action.Continue;
  }

  onResponseBody(): Action {
    if (!this.wanted) return Action.Continue;
    // `Pause` keeps the body here: the next call sees all of it so far, the last one the whole.
    if (!this.response.endOfStream) return Action.Pause;
    const body = this.response.body;
    const text = body.text();
    const masked = maskCards(text);
    if (masked != text) body.set(masked);
    return Action.Continue;
  }
}
registerHttp<Mask>("body-rewrite");

/** Every run of exactly 16 digits becomes `****` and its last four. */
function maskCards(text: string): string {
  let out = "";
  let copied = 0;
  for (let at = 0; at < text.length; at++) {
    const start = at;
    while (at < text.length && isDigit(text.charCodeAt(at))) at++;
    if (at - start != 16) continue;
    out += `${text.substring(copied, start)}****${text.substring(at - 4, at)}`;
    copied = at;
  }
  return copied == 0 ? text : out + text.substring(copied);
}

function isDigit(code: i32): bool {
  return code >= 48 && code <= 57;
}
