import {
  Action,
  GrpcCall,
  GrpcStatus,
  HttpFilter,
  logWarn,
  MessageReader,
  MessageWriter,
  RootContext,
  registerHttp,
  Status,
} from "proxy-wasm-toolkit/sdk";
import { Fields } from "proxy-wasm-toolkit/sdk/text/fields";

const KNOWN: string[] = ["cluster", "timeoutMs", "failOpen"];

/** `{"cluster": "access", "timeoutMs": 200, "failOpen": false}` */
class Settings extends RootContext {
  cluster: string = "";
  timeout: i32 = 200;
  failOpen: bool = false;

  onConfigure(config: string): string | null {
    const fields = new Fields();
    const root = fields.parse(config, KNOWN);
    if (root == null) return fields.refusal;
    this.cluster = fields.text(root.get("cluster"), "cluster");
    const timeout = root.get("timeoutMs");
    if (timeout != null) this.timeout = fields.integer(timeout, "timeoutMs", 1, 60000);
    const failOpen = root.get("failOpen");
    if (failOpen != null) this.failOpen = fields.bool(failOpen, "failOpen");
    return fields.refusal;
  }
}

/** Asks `example.Access/Check` before each request goes on; README.md has the messages. */
class Guard extends HttpFilter {
  get settings(): Settings {
    return this.root as Settings;
  }

  onRequestHeaders(): Action {
    const headers = this.request.headers;
    headers.remove("x-user"); // only the service may say who it is
    const settings = this.settings;
    const question = new MessageWriter()
      .text(1, this.request.method || "")
      .text(2, this.request.path || "")
      .text(3, headers.get("authorization") || "")
      .finish();
    const check = new Check();
    const status = check.send(this, settings.cluster, "example.Access", "Check", question, settings.timeout);
    if (status != Status.Ok) return this.unavailable(`not sent: ${status}`);
    return Action.Pause; // until Check says how it goes on
  }

  /** The service cannot be asked: the configuration says what then. */
  unavailable(why: string): Action {
    logWarn(`access service: ${why}`);
    if (this.settings.failOpen) return Action.Continue;
    return this.sendLocalResponse(503, "access cannot be checked\n");
  }
}

/** The answer. While it runs hostcalls act on the request that waits; if that has gone, it is not called at all. */
class Check extends GrpcCall {
  onResponse(): void {
    const filter = this.owner as Guard;
    const reader = new MessageReader(this.message.bytes());
    let user = "";
    while (reader.next()) if (reader.field == 1) user = reader.text;
    if (reader.failed) return this.goOn(filter.unavailable("a reply that is no message"));
    if (user != "") filter.request.headers.replace("x-user", user);
    filter.continueRequest();
  }

  onFailure(status: GrpcStatus): void {
    const filter = this.owner as Guard;
    if (status == GrpcStatus.PermissionDenied) filter.sendLocalResponse(403, "not allowed\n");
    else if (status == GrpcStatus.Unauthenticated) filter.sendLocalResponse(401, "who are you?\n");
    else this.goOn(filter.unavailable(`status ${status}, ${this.reason}`));
  }

  private goOn(action: Action): void {
    if (action == Action.Continue) (this.owner as Guard).continueRequest();
  }
}
registerHttp<Guard, Settings>("grpc-call");
