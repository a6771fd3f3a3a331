import {
  Action,
  Bytes,
  Counter,
  callStatus,
  Gauge,
  GrpcStatus,
  getProperty,
  getPropertyInt,
  getPropertyString,
  getSharedData,
  HeaderName,
  Histogram,
  HttpCall,
  HttpFilter,
  isLogging,
  LogLevel,
  logDebug,
  logError,
  logInfo,
  logTrace,
  logWarn,
  Metric,
  MetricType,
  Pairs,
  PropertyPath,
  RootContext,
  registerHttp,
  SharedQueue,
  SharedUpdate,
  Status,
  setEffectiveContext,
  setProperty,
  setSharedData,
  setTickPeriod,
} from "proxy-wasm-toolkit/sdk";

/** One filter a feature; each answers with response headers that say what it saw. */

function show(value: string | null): string {
  return value == null ? "null" : `<${value}>`;
}

const X_A = new HeaderName("X-A");

class Headers extends HttpFilter {
  seen: Pairs = new Pairs();

  onRequestHeaders(): Action {
    const headers = this.request.headers;
    this.seen.add("x-missing", show(headers.get("x-none")));
    this.seen.add("x-empty", show(headers.get("x-empty")));
    this.seen.add("x-first", show(headers.get(X_A)));
    this.seen.add("x-all", headers.getAll(X_A).join("+"));
    this.seen.add("x-values", headers.pairs().values(X_A).join("+"));
    this.seen.add("x-joined", show(headers.joined("X-A")));
    this.seen.add("x-joined-none", show(headers.joined("x-none")));
    this.seen.add("x-has", `${headers.has("x-empty")} ${headers.has("x-none")}`);
    const injected = headers.add("x-evil", "a\r\nx-injected: 1");
    const named = headers.add(new HeaderName("x\ny"), "1");
    this.seen.add(
      "x-refused",
      `${injected} ${headers.replace("x\0y", "1")} ${named} ${headers.get("x-evil") == null}`,
    );
    const binary = headers.get("x-binary");
    if (binary != null) headers.replace("x-binary-text", binary);
    const bytes = headers.getBytes("x-binary");
    if (bytes != null) headers.addBytes("x-binary-bytes", bytes);
    headers.remove("x-remove");
    headers.replace("x-replace", "new");
    return Action.Continue;
  }

  onResponseHeaders(): Action {
    for (let i = 0; i < this.seen.length; i++) {
      this.response.headers.add(this.seen.name(i), this.seen.value(i));
    }
    const pairs = this.response.headers.pairs();
    const kept = new Pairs();
    for (let i = 0; i < pairs.length; i++) {
      if (pairs.name(i) != "x-drop") kept.addBytes(pairs.nameBytes(i), pairs.valueBytes(i));
    }
    this.response.headers.setPairs(kept);
    return Action.Continue;
  }
}
registerHttp<Headers>("headers");

class Bodies extends HttpFilter {
  onRequestHeaders(): Action {
    this.request.headers.remove("content-length");
    return Action.Continue;
  }

  onRequestBody(): Action {
    if (!this.request.endOfStream) return Action.Pause;
    const body = this.request.body;
    const content = body.bytes();
    body.append(`|${content.length}|`);
    body.appendBytes(content.slice(0, 2));
    body.prepend("^");
    return Action.Continue;
  }

  onResponseHeaders(): Action {
    this.response.headers.remove("content-length");
    return Action.Continue;
  }

  onResponseBody(): Action {
    if (!this.response.endOfStream) return Action.Pause;
    this.response.body.set(this.response.body.text().toUpperCase());
    return Action.Continue;
  }
}
registerHttp<Bodies>("bodies");

class Check extends HttpCall {
  constructor(private path: string) {
    super();
  }

  onResponse(): void {
    const filter = this.owner as Calls;
    const status = this.headers.get(":status") || "";
    filter.answer = `${this.path} ${status} ${this.body.text()} ${show(this.headers.get("x-auth"))}`;
    if (status == "200") filter.continueRequest();
    else filter.sendLocalResponse(403, "denied", new Pairs().add("x-answer", filter.answer));
  }

  onFailure(): void {
    const filter = this.owner as Calls;
    filter.sendLocalResponse(502, `failed ${callStatus().code}`);
  }
}

class Calls extends HttpFilter {
  answer: string = "";

  onRequestHeaders(): Action {
    const path = this.request.path || "/";
    const headers = new Pairs().add(":method", "GET").add(":path", path).add(":authority", "auth");
    const status = new Check(path).send(
      this,
      this.request.headers.get("x-cluster") || "auth",
      headers,
      null,
      2000,
    );
    if (status != Status.Ok) return this.sendLocalResponse(500, `not sent: ${status}`);
    return Action.Pause;
  }

  onResponseHeaders(): Action {
    if (this.answer.length > 0) this.response.headers.replace("x-answer", this.answer);
    return Action.Continue;
  }
}
registerHttp<Calls>("calls");

class Properties extends HttpFilter {
  onRequestHeaders(): Action {
    setProperty("my.value", "kept");
    const dotted = PropertyPath.of(["request", "headers", "x-a"]);
    const headers = new Pairs()
      .add("x-path", show(this.request.path))
      .add("x-url-path", show(this.request.urlPath))
      .add("x-query", show(this.request.query))
      .add("x-method", show(this.request.method))
      .add("x-header", show(getPropertyString(dotted)))
      .add("x-none", show(getPropertyString("no.such.thing")))
      .add("x-raw-none", getProperty("request") == null ? "null" : "there")
      .add("x-int", getPropertyInt("destination.port").toString())
      .add("x-mtls", this.connection.mtls.toString())
      .add("x-mine", show(getPropertyString(PropertyPath.of(["my.value"]))))
      .add("x-root", show(getPropertyString("plugin_root_id")))
      // The text of a path that was read: what the proxy was asked with has other bytes.
      .add("x-path", show(getPropertyString("request.path")));
    this.request.headers.add("request.path", "request.path");
    headers.add("x-literal", show(this.request.headers.get("request.path")));
    return this.sendLocalResponse(200, "properties", headers);
  }
}
registerHttp<Properties>("properties");

class Limit extends RootContext {
  limit: string = "";

  onConfigure(config: string): string | null {
    if (config == "bad without a reason") return "";
    if (config.startsWith("bad")) return `${config} is not a limit`;
    this.limit = config;
    return null;
  }
}

class Limited extends HttpFilter {
  onRequestHeaders(): Action {
    return this.sendLocalResponse(200, `${this.root.rootId}:${(this.root as Limit).limit}`);
  }
}
registerHttp<Limited, Limit>("limit");

const requests = new Counter("sdk_requests_total", 3);
const inner = new Counter("sdk_inner_total");
const size = new Gauge("sdk_size");
const duration = new Histogram("sdk_duration");

class Metrics extends HttpFilter {
  private count(): string {
    inner.tag("kind", "nested").increment();
    return this.request.headers.get("x-kind") || "none";
  }

  onRequestHeaders(): Action {
    requests
      .tag("method", this.request.method || "")
      .tag("kind", this.count())
      .increment();
    size.record(7);
    size.increment(-2);
    duration.tag("unit", "ms").record(12);
    const plain = Metric.define(MetricType.Counter, "sdk_plain_total");
    plain.increment(2);
    return this.sendLocalResponse(200, `${plain.value} ${size.series().value}`);
  }
}
registerHttp<Metrics>("metrics");

class Increment extends SharedUpdate {
  next(current: Bytes | null): Bytes | null {
    return Bytes.of(((current == null ? 0 : I32.parseInt(current.toString())) + 1).toString());
  }
}

class Shared extends HttpFilter {
  onRequestHeaders(): Action {
    const status = new Increment().apply("count");
    const value = getSharedData("count");
    const stale = setSharedData("count", Bytes.of("x"), 4294967295);
    const text = value == null ? "null" : value.bytes.toString();
    return this.sendLocalResponse(200, `${status} ${text} ${stale} ${getSharedData("none") == null}`);
  }
}
registerHttp<Shared>("shared");

/** Holds requests until the next tick, and passes on what streams put into its queue. */
class Ticker extends RootContext {
  waiting: u32[] = [];

  onConfigure(config: string): string | null {
    setTickPeriod(20);
    return SharedQueue.register("work") == null ? "no queue" : null;
  }

  onTick(): void {
    for (let i = 0; i < this.waiting.length; i++) {
      if (setEffectiveContext(this.waiting[i]) == Status.Ok) continueWaiting();
    }
    this.waiting = [];
    setEffectiveContext(0);
  }

  onQueueReady(queueId: u32): void {
    const item = new SharedQueue(queueId).dequeue();
    logWarn(`queue: ${item == null ? "empty" : item.toString()}`);
  }
}

function continueWaiting(): void {
  new HttpFilter().continueRequest();
}

class Held extends HttpFilter {
  onRequestHeaders(): Action {
    (this.root as Ticker).waiting.push(this.contextId);
    const queue = SharedQueue.resolve("", "work");
    if (queue != null) queue.enqueue(Bytes.of("item"));
    return Action.Pause;
  }
}
registerHttp<Held, Ticker>("ticker");

class Globals extends HttpFilter {
  onRequestHeaders(): Action {
    console.log("console.log");
    console.warn("console.warn");
    console.error("console.error");
    console.assert(false, "console.assert");
    console.time("t");
    console.timeEnd("t");
    trace("trace", 2, 1, 2.5);
    logTrace("below");
    logDebug("below");
    logInfo(`info is on: ${isLogging(LogLevel.Info)}, trace: ${isLogging(LogLevel.Trace)}`);
    const random = Math.random();
    const now = Date.now();
    const start = performance.now();
    const sane = random >= 0 && random < 1 && now > 1700000000000 && performance.now() >= start;
    return this.sendLocalResponse(200, sane ? "sane" : `${random} ${now} ${start}`);
  }
}
registerHttp<Globals>("globals");

/** Trailers both ways, and the end of a stream in the log. */
class Ends extends HttpFilter {
  trail: string = "";

  onRequestTrailers(): Action {
    this.trail = show(this.request.trailers.get("x-t"));
    this.request.trailers.add("x-t", "second");
    return Action.Continue;
  }

  onResponseTrailers(): Action {
    this.response.trailers.add("x-count", this.response.headerCount.toString());
    this.response.trailers.add("x-trail", this.trail);
    return Action.Continue;
  }

  onLog(): void {
    logWarn(
      `log ${this.contextId}: ${show(this.request.path)} ${this.response.code} ${this.request.duration > 0}`,
    );
  }

  onDone(): void {
    logWarn(`done ${this.contextId}: ${show(this.request.path)}`);
  }

  onDelete(): void {
    logWarn(`delete ${this.contextId}`);
  }
}
registerHttp<Ends>("ends");

class Trap extends HttpFilter {
  onRequestHeaders(): Action {
    if (this.request.headers.has("x-throw")) throw new Error("on purpose");
    return this.sendLocalResponse(418, "a pot", new Pairs().add("x-kind", "tea"), -1, "teapot asked");
  }
}
registerHttp<Trap>("trap");

class Denied extends HttpFilter {
  onRequestHeaders(): Action {
    if (this.request.headers.has("x-bytes")) {
      return this.sendLocalResponseBytes(200, Bytes.of("ab").concat(Bytes.of("\udcff\0")));
    }
    return this.sendGrpcResponse(GrpcStatus.PermissionDenied, "not you", new Pairs().add("x-why", "rule"));
  }
}
registerHttp<Denied>("denied");

/** Messages that say how often they were built. */
let built: i32 = 0;

function message(name: string): string {
  built++;
  return `${name} ${built}`;
}

class Lines extends HttpFilter {
  onRequestHeaders(): Action {
    built = 0;
    logTrace(message("trace"));
    if (built == 0) logDebug(`debug ${message("inner")}`);
    else logTrace("constant");
    for (let i = 0; i < 2; i++) {
      logInfo(message("info"));
    }
    const late = (text: string): void => logDebug(message(text));
    late("late");
    logError(message("error"));
    return this.sendLocalResponse(200, built.toString());
  }
}
registerHttp<Lines>("lines");
