import {
  Action,
  Bytes,
  GrpcCall,
  GrpcStatus,
  GrpcStream,
  HttpFilter,
  logInfo,
  Pairs,
  RootContext,
  registerHttp,
  Status,
} from "proxy-wasm-toolkit/sdk";

/** What a request asks for: the message, and how long to wait. */
function text(filter: HttpFilter, name: string, missing: string): string {
  const value = filter.request.headers.get(name);
  return value == null ? missing : value;
}

// --- unary: asks with the header x-message and answers with what came

class Say extends GrpcCall {
  onResponse(): void {
    (this.owner as Unary).sendLocalResponse(200, this.message.text());
  }
  onFailure(status: GrpcStatus): void {
    (this.owner as Unary).sendLocalResponse(500, `${status} ${this.reason}`);
  }
}

class Unary extends HttpFilter {
  onRequestHeaders(): Action {
    const timeout = <u32>parseInt(text(this, "x-timeout", "5000"), 10);
    const metadata = new Pairs().add("x-who", "me").add("x-raw-bin", "a\xe9");
    const message = Bytes.of(text(this, "x-message", ""));
    const status = new Say().send(
      this,
      text(this, "x-cluster", "echo"),
      "test.Echo",
      "Say",
      message,
      timeout,
      metadata,
    );
    if (status != Status.Ok) return this.sendLocalResponse(500, `not sent: ${status}`);
    return Action.Pause;
  }
}
registerHttp<Unary>("unary");

// --- many: several calls at once, each with its own state

class Part extends GrpcCall {
  constructor(
    private index: i32,
    private whole: Many,
  ) {
    super();
  }
  onResponse(): void {
    this.whole.add(this.index, this.message.text());
  }
}

class Many extends HttpFilter {
  private parts: string[] = [];
  private left: i32 = 5;

  onRequestHeaders(): Action {
    for (let i = 0; i < this.left; i++) {
      this.parts.push("");
      new Part(i, this).send(this, "echo", "test.Echo", "Say", Bytes.of(`part ${i}`));
    }
    return Action.Pause;
  }

  add(index: i32, part: string): void {
    this.parts[index] = part;
    if (--this.left == 0) this.sendLocalResponse(200, this.parts.join(","));
  }
}
registerHttp<Many>("many");

// --- refused: what send and open answer when nothing is sent

class Refused extends HttpFilter {
  onRequestHeaders(): Action {
    const call = new Say();
    const message = Bytes.of("");
    const injected = new Pairs().add("x", "a\r\nb");
    const stream = new Talk();
    const answers: i32[] = [
      call.send(this, "echo", "test.Echo", "Say", message, 1000, injected),
      call.send(this, "nowhere", "test.Echo", "Say", message),
      call.send(this, "empty", "test.Echo", "Say", message),
      stream.send(message),
      call.send(this, "echo", "test.Echo", "Say", message),
      call.send(this, "echo", "test.Echo", "Say", message),
      stream.open(this, "echo", "test.Echo", "Talk"),
      stream.open(this, "echo", "test.Echo", "Talk"),
      stream.send(message, true),
      stream.send(message),
    ];
    call.cancel();
    call.cancel();
    stream.close();
    stream.cancel();
    answers.push(stream.send(message));
    answers.push(call.running || stream.running ? 1 : 0);
    return this.sendLocalResponse(200, answers.join(" "));
  }
}
registerHttp<Refused>("refused");

// --- talk: sends the words of x-message one by one, the next after each answer

class Talk extends GrpcStream {
  words: string[] = [];
  heard: string[] = [];

  onInitialMetadata(): void {
    this.heard.push(`[${this.initialMetadata.get("x-greeting") || ""}]`);
  }
  onMessage(): void {
    this.heard.push(this.message.text());
    if (this.words.length > 0) this.say();
    else this.close();
  }
  onTrailingMetadata(): void {
    this.heard.push(`[${this.trailingMetadata.get("x-farewell") || ""}]`);
  }
  onClose(status: GrpcStatus): void {
    this.heard.push(`${status} ${this.reason} ${this.running}`);
    (this.owner as Conversation).sendLocalResponse(200, this.heard.join("|"));
  }

  say(): void {
    this.send(Bytes.of(this.words.shift()));
  }
}

class Conversation extends HttpFilter {
  onRequestHeaders(): Action {
    const talk = new Talk();
    talk.words = text(this, "x-message", "").split(" ");
    const status = talk.open(this, "echo", "test.Echo", "Talk", new Pairs().add("x-who", "me"));
    if (status != Status.Ok) return this.sendLocalResponse(500, `not opened: ${status}`);
    talk.say();
    return Action.Pause;
  }
}
registerHttp<Conversation>("talk");

// --- watch: a stream of the root's own, opened when it is configured, and again when it has closed

class Watch extends GrpcStream {
  opened: i32 = 0;

  onMessage(): void {
    logInfo(`watched ${this.message.text()}`);
  }
  onClose(status: GrpcStatus): void {
    logInfo(`watch ${this.opened} closed: ${status}`);
    if (this.opened < 2) this.start(this.owner as Watcher);
  }

  start(root: Watcher): void {
    this.opened++;
    this.open(root, "echo", "test.Echo", "Talk");
    this.send(Bytes.of(`${this.opened}`));
  }
}

class Watcher extends RootContext {
  onConfigure(config: string): string | null {
    new Watch().start(this);
    return null;
  }
}
class Watched extends HttpFilter {}
registerHttp<Watched, Watcher>("watch");
