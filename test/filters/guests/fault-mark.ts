/** Shows the mark that the fault filter left on a stream, and Envoy's response flags: a test's window into what access logs read. */
import { Action, getPropertyString, HttpFilter, registerHttp } from "proxy-wasm-toolkit/sdk";

class FaultMark extends HttpFilter {
  onResponseHeaders(): Action {
    const mark = getPropertyString("smf_fault");
    this.response.headers.add("x-mark", mark == null ? "-" : mark);
    this.response.headers.add("x-flags", this.response.flags.toString());
    return Action.Continue;
  }
}

registerHttp<FaultMark>("fault-mark");
