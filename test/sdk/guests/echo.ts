import { Action, HttpFilter, Pairs, registerHttp } from "proxy-wasm-toolkit/sdk";

/** Reads the body as text and writes it back; copies request trailers to the response, one pair at a time. */
class Echo extends HttpFilter {
  onRequestBody(): Action {
    const text = this.request.body.text();
    this.request.body.set(text);
    this.request.headers.add("units", text.length.toString());
    let codes = "";
    for (let i = 0; i < text.length; i++) codes += `${text.charCodeAt(i).toString(16)} `;
    this.request.headers.add("codes", codes.trimEnd());
    return Action.Continue;
  }

  onRequestTrailers(): Action {
    const copied = new Pairs();
    const pairs = this.request.trailers.pairs();
    for (let i = 0; i < pairs.length; i++) copied.add(pairs.name(i), pairs.value(i));
    this.response.trailers.setPairs(copied);
    return Action.Continue;
  }
}
registerHttp<Echo>("echo");
