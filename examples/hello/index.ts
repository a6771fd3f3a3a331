import { Action, HttpFilter, registerHttp } from "proxy-wasm-toolkit/sdk";
class Hello extends HttpFilter {
  onRequestHeaders(): Action {
    this.request.headers.add("x-ua-len", (this.request.headers.get("user-agent") || "").length.toString());
    return Action.Continue;
  }
  onResponseHeaders(): Action {
    this.response.headers.add("x-hello", "world");
    return Action.Continue;
  }
}
registerHttp<Hello>("hello");
