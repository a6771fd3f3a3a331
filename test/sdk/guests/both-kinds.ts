import {
  Action,
  HttpFilter,
  logInfo,
  RootContext,
  registerHttp,
  registerTcp,
  TcpFilter,
} from "proxy-wasm-toolkit/sdk";

/** One name for filters of both kinds, and one class for their settings. */
class Settings extends RootContext {
  text: string = "";

  onConfigure(config: string): string | null {
    this.text = config;
    return null;
  }
}

/** Has no `onNewConnection`: the module exports it all the same. */
class Connection extends TcpFilter {
  onLog(): void {
    logInfo(`connection of ${(this.root as Settings).text} ended`);
  }
}

class Exchange extends HttpFilter {
  onRequestHeaders(): Action {
    return this.sendLocalResponse(200, `request of ${(this.root as Settings).text}`);
  }
}

registerTcp<Connection, Settings>("both");
registerHttp<Exchange, Settings>("both");
