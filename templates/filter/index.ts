import { Action, HttpFilter, logInfo, RootContext, registerHttp } from "proxy-wasm-toolkit/sdk";
import { Fields } from "proxy-wasm-toolkit/sdk/text/fields";

const KNOWN: string[] = ["header", "value"];

/** The configuration: `{"header": "x-hello", "value": "world"}`, as JSON or as plain YAML. */
class Settings extends RootContext {
  header: string = "x-hello";
  value: string = "world";

  onConfigure(config: string): string | null {
    if (config == "") return null;
    const fields = new Fields();
    const root = fields.parse(config, KNOWN);
    if (root == null) return fields.refusal;
    this.header = fields.textOr(root, "header", "", this.header);
    this.value = fields.textOr(root, "value", "", this.value);
    return fields.refusal;
  }
}

/** Adds a header to every response, and refuses requests that have no user-agent. */
class MyFilter extends HttpFilter {
  onRequestHeaders(): Action {
    if (this.request.headers.has("user-agent")) return Action.Continue;
    logInfo(`refused: ${this.request.path || ""}`);
    return this.sendLocalResponse(400, "who are you?\n");
  }

  onResponseHeaders(): Action {
    const settings = this.root as Settings;
    this.response.headers.replace(settings.header, settings.value);
    return Action.Continue;
  }
}
registerHttp<MyFilter, Settings>("my-filter");
