import { Action, HttpFilter, registerHttp } from "proxy-wasm-toolkit/sdk";

/** Keeps something for each stream, and holds those that ask for it open. */
class Holder extends HttpFilter {
  agent: string = "";

  onRequestHeaders(): Action {
    this.agent = this.request.headers.get("user-agent") || "";
    return this.request.headers.has("x-hold") ? Action.Pause : Action.Continue;
  }

  onResponseHeaders(): Action {
    this.response.headers.add("x-ua-len", this.agent.length.toString());
    return Action.Continue;
  }
}
registerHttp<Holder>("holder");
