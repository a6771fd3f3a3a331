import { Action, registerTcp, TcpFilter } from "proxy-wasm-toolkit/sdk";

/** Keeps nothing: one object serves all connections. */
class Close extends TcpFilter {
  onDownstreamData(): Action {
    if (this.downstream.text().startsWith("quit")) this.close();
    return Action.Continue;
  }
}
registerTcp<Close>("close");
