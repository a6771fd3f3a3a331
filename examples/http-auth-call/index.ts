import {
  Action,
  HttpCall,
  HttpFilter,
  logWarn,
  Pairs,
  RootContext,
  registerHttp,
  Status,
} from "proxy-wasm-toolkit/sdk";
import { Fields } from "proxy-wasm-toolkit/sdk/text/fields";

const KNOWN: string[] = ["cluster", "path", "timeoutMs", "failOpen"];

/** `{"cluster": "auth", "path": "/check", "timeoutMs": 500, "failOpen": false}` */
class Settings extends RootContext {
  cluster: string = "";
  path: string = "";
  timeout: i32 = 500;
  failOpen: bool = false;

  onConfigure(config: string): string | null {
    const fields = new Fields();
    const root = fields.parse(config, KNOWN);
    if (root == null) return fields.refusal;
    this.cluster = fields.text(root.get("cluster"), "cluster");
    this.path = fields.text(root.get("path"), "path");
    const timeout = root.get("timeoutMs");
    if (timeout != null) this.timeout = fields.integer(timeout, "timeoutMs", 1, 60000);
    const failOpen = root.get("failOpen");
    if (failOpen != null) this.failOpen = fields.bool(failOpen, "failOpen");
    return fields.refusal;
  }
}

/** Asks an authorization service before each request goes on. */
class Auth extends HttpFilter {
  get settings(): Settings {
    return this.root as Settings;
  }

  onRequestHeaders(): Action {
    const headers = this.request.headers;
    headers.remove("x-user"); // only the service may say who it is
    const settings = this.settings;
    const question = new Pairs()
      .add(":method", "GET")
      .add(":path", settings.path)
      .add(":authority", settings.cluster)
      .add("x-original-path", this.request.path || "");
    const credentials = headers.get("authorization");
    if (credentials != null) question.add("authorization", credentials);
    const status = new Check().send(this, settings.cluster, question, null, settings.timeout);
    if (status != Status.Ok) return this.unavailable(`not sent: ${status}`);
    return Action.Pause; // until Check says how it goes on
  }

  /** The service cannot be asked: the configuration says what then. */
  unavailable(why: string): Action {
    logWarn(`authorization service: ${why}`);
    if (this.settings.failOpen) return Action.Continue;
    return this.sendLocalResponse(503, "authorization is not available\n");
  }
}

/** The answer. While it runs hostcalls act on the request that waits; if that has gone, it is not called at all. */
class Check extends HttpCall {
  onResponse(): void {
    const filter = this.owner as Auth;
    const status = this.status;
    if (status == 200) {
      const user = this.headers.get("x-user");
      if (user != null) filter.request.headers.replace("x-user", user);
      filter.continueRequest();
    } else if (status == 401 || status == 403) {
      const headers = new Pairs();
      const challenge = this.headers.get("www-authenticate");
      if (challenge != null) headers.add("www-authenticate", challenge);
      filter.sendLocalResponse(status, this.body.text(), headers);
    } else {
      // No connection and no answer in time come as 503 and 504.
      if (filter.unavailable(`status ${status}`) == Action.Continue) filter.continueRequest();
    }
  }

  onFailure(): void {
    const filter = this.owner as Auth;
    if (filter.unavailable("the answer broke off") == Action.Continue) filter.continueRequest();
  }
}
registerHttp<Auth, Settings>("http-auth-call");
