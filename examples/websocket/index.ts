import { Action, Counter, HttpFilter, logInfo, RootContext, registerHttp } from "proxy-wasm-toolkit/sdk";

const bytes = new Counter("websocket_bytes_total");

/** Configuration: the origin whose pages may connect. */
class Settings extends RootContext {
  origin: string = "";

  onConfigure(config: string): string | null {
    this.origin = config;
    return config == "" ? "expected an origin such as https://example.com" : null;
  }
}

/**
 * Browsers let every page open a WebSocket to anywhere, cookies included, and say whose page it is: others than one's own are
 * turned away. Of the rest the bytes are counted, which come as a body that goes on as long as the connection.
 */
class Guard extends HttpFilter {
  private received: i64 = 0;
  private sent: i64 = 0;

  onRequestHeaders(): Action {
    const origin = this.request.headers.get("origin");
    if (origin != null && origin != (this.root as Settings).origin)
      return this.sendLocalResponse(403, "not from there\n");
    return Action.Continue;
  }

  onRequestBody(): Action {
    this.received += this.count("received", this.request.body.length);
    return Action.Continue;
  }

  onResponseBody(): Action {
    this.sent += this.count("sent", this.response.body.length);
    return Action.Continue;
  }

  onLog(): void {
    logInfo(`${this.received} bytes received, ${this.sent} sent`);
  }

  private count(direction: string, length: i32): i32 {
    if (length > 0) bytes.tag("direction", direction).increment(length);
    return length;
  }
}

registerHttp<Guard, Settings>("websocket");
