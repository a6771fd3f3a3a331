import { Action, HttpFilter, registerHttp } from "proxy-wasm-toolkit/sdk";

/** Reads 20 headers and the body as text, and answers with the size of its memory. */
class Reader extends HttpFilter {
  seen: i32 = 0;

  onRequestHeaders(): Action {
    for (let i = 0; i < 20; i++) {
      const value = this.request.headers.get(`x-header-${i}`);
      if (value != null) this.seen += value.length;
    }
    return Action.Pause; // until the body is there: the plugin has allow_on_headers_stop_iteration
  }

  onRequestBody(): Action {
    if (!this.request.endOfStream) return Action.Pause;
    this.seen += this.request.body.text().length;
    return this.sendLocalResponse(200, `${this.seen} ${memory.size()}`.padEnd(16));
  }
}
registerHttp<Reader>("reader");
