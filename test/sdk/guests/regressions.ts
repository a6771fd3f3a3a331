import {
  Action,
  Bytes,
  done,
  getProperty,
  getPropertyString,
  HttpCall,
  HttpFilter,
  logWarn,
  Metric,
  MetricType,
  Pairs,
  RootContext,
  registerHttp,
  Status,
} from "proxy-wasm-toolkit/sdk";

/** What other SDKs get wrong, one filter each; answers say what it saw. */

class Config extends RootContext {
  text: string = "";

  onConfigure(config: string): string | null {
    this.text = config;
    return null;
  }
}

/** The stream's own plugin's configuration, as hexadecimal UTF-16. */
class Mix extends HttpFilter {
  onRequestHeaders(): Action {
    const text = (this.root as Config).text;
    let codes = "";
    for (let i = 0; i < text.length; i++) codes += ` ${text.charCodeAt(i).toString(16)}`;
    return this.sendLocalResponse(200, codes.trimStart());
  }
}
registerHttp<Mix, Config>("config");

class MetricRead extends HttpFilter {
  onRequestHeaders(): Action {
    const counter = Metric.define(MetricType.Counter, "regression_counter");
    const gauge = Metric.define(MetricType.Gauge, "regression_gauge");
    counter.increment(3);
    gauge.record(7);
    const first = `${counter.value} ${gauge.value}`;
    return this.sendLocalResponse(200, `${first} ${counter.value} ${gauge.value}`);
  }
}
registerHttp<MetricRead>("metric");

class Missing extends HttpFilter {
  onRequestHeaders(): Action {
    const text = getPropertyString("no.such.property");
    const bytes = getProperty("");
    const peer = this.connection.peerSubject;
    return this.sendLocalResponse(
      200,
      `${text == null} ${bytes == null} ${peer == null} ${this.response.code}`,
    );
  }
}
registerHttp<Missing>("property");

class Latin extends HttpFilter {
  onRequestHeaders(): Action {
    const value = this.request.headers.get("x-binary") || "";
    const pairs = this.request.headers.pairs();
    this.request.headers.replace("x-text", value);
    for (let i = 0; i < pairs.length; i++) {
      if (pairs.name(i) == "x-binary") this.request.headers.replaceBytes("x-bytes", pairs.valueBytes(i));
    }
    return Action.Continue;
  }
}
registerHttp<Latin>("header");

/** Turns the body around, byte by byte. */
class Reverse extends HttpFilter {
  onRequestBody(): Action {
    if (!this.request.endOfStream) return Action.Pause;
    const bytes = this.request.body.bytes();
    const turned = new ArrayBuffer(bytes.length);
    for (let i = 0; i < bytes.length; i++) {
      store<u8>(changetype<usize>(turned) + <usize>i, bytes.at(bytes.length - 1 - i));
    }
    this.request.body.setBytes(Bytes.view(turned));
    return Action.Continue;
  }
}
registerHttp<Reverse>("body");

class Throws extends RootContext {
  onConfigure(config: string): string | null {
    throw new Error(`cannot read ${config}`);
  }
}
registerHttp<Mix, Throws>("throw");

class Patient extends HttpCall {
  onResponse(): void {
    const filter = this.owner as Waits;
    filter.sendLocalResponse(200, `${this.status} ${this.body.text()}`);
  }
}

class Waits extends HttpFilter {
  onRequestHeaders(): Action {
    const headers = new Pairs().add(":method", "GET").add(":path", "/slow").add(":authority", "upstream");
    const status = new Patient().send(this, "upstream", headers, null, 0);
    if (status != Status.Ok) return this.sendLocalResponse(500, `${status}`);
    return Action.Pause;
  }
}
registerHttp<Waits>("timeout");

class Injects extends HttpFilter {
  onRequestHeaders(): Action {
    const evil = "a\r\nx-injected: 1";
    const headers = this.request.headers;
    const call = new Patient();
    const outcome = [
      headers.add("x-evil", evil),
      headers.replace("x-evil", evil),
      headers.addBytes("x-evil", Bytes.of(evil)),
      headers.replaceBytes("x-evil", Bytes.of(evil)),
      headers.setPairs(new Pairs().add("x-evil", evil)),
      call.send(this, "upstream", new Pairs().add(":path", evil)),
    ];
    return this.sendLocalResponse(200, outcome.join(" "), new Pairs().add("x-evil", evil));
  }
}
registerHttp<Injects>("line");

class Ending extends RootContext {
  onDone(): bool {
    logWarn(`root done: ${done()}`);
    return true;
  }
}

class Ends extends HttpFilter {
  onRequestHeaders(): Action {
    return this.sendLocalResponse(200, `${done()}`);
  }
}
registerHttp<Ends, Ending>("done");
