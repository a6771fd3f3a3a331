/** Shows the response code details of every response, as a test's window into filters behind it. */
import { Action, HttpFilter, registerHttp } from "proxy-wasm-toolkit/sdk";

class Details extends HttpFilter {
  onResponseHeaders(): Action {
    const details = this.response.codeDetails;
    this.response.headers.add("x-details", details == null ? "" : details);
    return Action.Continue;
  }
}

registerHttp<Details>("details");
