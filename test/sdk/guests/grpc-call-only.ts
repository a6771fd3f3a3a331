import { Action, Bytes, GrpcCall, HttpFilter, registerHttp } from "proxy-wasm-toolkit/sdk";

class Tell extends GrpcCall {
  onResponse(): void {}
}

class Filter extends HttpFilter {
  onRequestHeaders(): Action {
    new Tell().send(this, "echo", "test.Echo", "Say", Bytes.of("hello"));
    return Action.Continue;
  }
}
registerHttp<Filter>("call-only");
