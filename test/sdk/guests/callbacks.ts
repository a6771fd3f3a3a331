import {
  Action,
  GrpcCall,
  GrpcStatus,
  GrpcStream,
  HttpCall,
  HttpFilter,
  PeerType,
  RootContext,
  registerHttp,
  registerTcp,
  TcpFilter,
} from "proxy-wasm-toolkit/sdk";

/** Overrides everything there is to override. */
class Root extends RootContext {
  onVmStart(config: string): string | null {
    return null;
  }
  onConfigure(config: string): string | null {
    return null;
  }
  onTick(): void {}
  onQueueReady(queueId: u32): void {}
  onForeignFunction(functionId: u32): void {}
  onDone(): bool {
    return true;
  }
  onLog(): void {}
  onDelete(): void {}
}

class Call extends HttpCall {
  onResponse(): void {}
  onFailure(): void {}
}

class Rpc extends GrpcCall {
  onResponse(): void {}
  onFailure(status: GrpcStatus): void {}
}

class Talk extends GrpcStream {
  onInitialMetadata(): void {}
  onMessage(): void {}
  onTrailingMetadata(): void {}
  onClose(status: GrpcStatus): void {}
}

class Filter extends HttpFilter {
  call: Call = new Call();
  rpc: Rpc = new Rpc();
  talk: Talk = new Talk();
  onRequestHeaders(): Action {
    return Action.Continue;
  }
  onRequestBody(): Action {
    return Action.Continue;
  }
  onRequestTrailers(): Action {
    return Action.Continue;
  }
  onRequestMetadata(): void {}
  onResponseHeaders(): Action {
    return Action.Continue;
  }
  onResponseBody(): Action {
    return Action.Continue;
  }
  onResponseTrailers(): Action {
    return Action.Continue;
  }
  onResponseMetadata(): void {}
  onLog(): void {}
  onDone(): void {}
  onDelete(): void {}
}
registerHttp<Filter, Root>("all");

class Tcp extends TcpFilter {
  onNewConnection(): Action {
    return Action.Continue;
  }
  onDownstreamData(): Action {
    return Action.Continue;
  }
  onUpstreamData(): Action {
    return Action.Continue;
  }
  onUpstreamClose(peer: PeerType): void {}
  onDownstreamClose(peer: PeerType): void {}
}
registerTcp<Tcp, Root>("all-tcp");
