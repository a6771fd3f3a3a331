import { Action, HttpFilter, registerHttp } from "proxy-wasm-toolkit/sdk";

/** Makes garbage in every callback and keeps something per stream. */
class Garbage extends HttpFilter {
  kept: string = "";

  onRequestHeaders(): Action {
    for (let i = 0; i < 20; i++) this.kept += this.request.headers.get("in") || "";
    return Action.Continue;
  }

  onRequestBody(): Action {
    this.request.headers.add("kept", this.kept.length.toString());
    this.request.body.bytes();
    return Action.Continue;
  }
}
registerHttp<Garbage>("garbage");
