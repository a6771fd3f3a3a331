import {
  Action,
  Bytes,
  Counter,
  HttpCall,
  HttpFilter,
  logInfo,
  Pairs,
  PeerType,
  RootContext,
  registerHttp,
  registerTcp,
  StreamContext,
  setTickPeriod,
  TcpFilter,
} from "proxy-wasm-toolkit/sdk";

/** Says each callback with what it was told. */
class Story extends TcpFilter {
  private bytes: i32 = 0;

  onNewConnection(): Action {
    logInfo(`new connection from ${this.connection.sourceAddress!}`);
    return Action.Continue;
  }
  onDownstreamData(): Action {
    this.bytes += this.downstream.length;
    logInfo(`downstream ${this.downstream.text()} ${this.downstream.endOfStream}`);
    return Action.Continue;
  }
  onUpstreamData(): Action {
    logInfo(`upstream ${this.upstream.text()} ${this.upstream.endOfStream} of ${this.host.address!}`);
    return Action.Continue;
  }
  onUpstreamClose(peer: PeerType): void {
    logInfo(`upstream closed by ${peer}`);
  }
  onDownstreamClose(peer: PeerType): void {
    logInfo(`downstream closed by ${peer}`);
  }
  onDone(): void {
    logInfo(`done, ${this.bytes} bytes`);
  }
  onLog(): void {
    logInfo("log");
  }
  onDelete(): void {
    logInfo("delete");
  }
}
registerTcp<Story>("story");

/** Changes bytes both ways. */
class Edit extends TcpFilter {
  onDownstreamData(): Action {
    if (this.downstream.length) this.downstream.setBytes(Bytes.of(this.downstream.text().toUpperCase()));
    return Action.Continue;
  }
  onUpstreamData(): Action {
    if (this.upstream.length) {
      this.upstream.prepend("<");
      this.upstream.append(">");
    }
    return Action.Continue;
  }
}
registerTcp<Edit>("edit");

/** Passes whole lines only. */
class Lines extends TcpFilter {
  onDownstreamData(): Action {
    const whole = this.downstream.text().endsWith("\n") || this.downstream.endOfStream;
    return whole ? Action.Continue : Action.Pause;
  }
}
registerTcp<Lines>("lines");

class Late extends RootContext {
  waiting: StreamContext | null = null;
  onTick(): void {
    setTickPeriod(0);
    const stream = this.waiting;
    if (stream != null && stream.makeEffective()) (stream as Held).continueDownstream();
  }
}

/** Holds each connection until a timer lets it go. */
class Held extends TcpFilter {
  onNewConnection(): Action {
    (this.root as Late).waiting = this;
    setTickPeriod(20);
    return Action.Pause;
  }
}
registerTcp<Held, Late>("held");

class Verdict extends HttpCall {
  onResponse(): void {
    const filter = this.owner as Asked;
    if (this.status == 200) filter.continueDownstream();
    else filter.close();
  }
}

/** Asks somebody about the first bytes of each connection. */
class Asked extends TcpFilter {
  private asked: bool = false;
  onDownstreamData(): Action {
    if (this.asked) return Action.Continue;
    this.asked = true;
    const head = new Pairs()
      .add(":method", "GET")
      .add(":path", `/${this.downstream.text()}`)
      .add(":authority", "auth");
    new Verdict().send(this, "auth", head);
    return Action.Pause;
  }
}
registerTcp<Asked>("asked");

const connections = new Counter("tcp_guest_connections");

class Counting extends TcpFilter {
  onNewConnection(): Action {
    connections.tag("from", "tcp").increment();
    return Action.Continue;
  }
}
registerTcp<Counting>("counting");

class Http extends HttpFilter {
  onRequestHeaders(): Action {
    this.request.headers.add("x-http", "yes");
    return Action.Continue;
  }
}
registerHttp<Http>("http");
