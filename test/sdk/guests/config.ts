import { Action, HttpFilter, RootContext, registerHttp } from "proxy-wasm-toolkit/sdk";

/** Answers with the configuration as `onConfigure` got it. */
class Config extends RootContext {
  text: string = "";

  onConfigure(config: string): string | null {
    this.text = config;
    return null;
  }
}

class Tell extends HttpFilter {
  onRequestHeaders(): Action {
    return this.sendLocalResponse(200, (this.root as Config).text);
  }
}
registerHttp<Tell, Config>("config");
