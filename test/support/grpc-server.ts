import {
  type handleBidiStreamingCall,
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServiceDefinition,
} from "@grpc/grpc-js";

export type Unary = handleUnaryCall<Buffer, Buffer>;
export type Talk = handleBidiStreamingCall<Buffer, Buffer>;

const asIs = (bytes: Buffer): Buffer => bytes;

function method(name: string, streams: boolean) {
  return {
    path: `/test.Echo/${name}`,
    requestStream: streams,
    responseStream: streams,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  };
}

const DEFINITION: ServiceDefinition = { Say: method("Say", false), Talk: method("Talk", true) };

/** A gRPC server that is not ours: service `test.Echo` with `Say` (one message each way) and `Talk` (many), on bytes. */
export class GrpcServer {
  private constructor(
    private readonly server: Server,
    readonly port: number,
    private readonly handlers: { say: Unary; talk: Talk },
  ) {}

  static async start(say: Unary, talk: Talk): Promise<GrpcServer> {
    const handlers = { say, talk };
    const server = new Server();
    server.addService(DEFINITION, {
      Say: ((call, done) => handlers.say(call, done)) as Unary,
      Talk: ((call) => handlers.talk(call)) as Talk,
    });
    const port = await new Promise<number>((resolve, reject) =>
      server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      ),
    );
    return new GrpcServer(server, port, handlers);
  }

  set say(handler: Unary) {
    this.handlers.say = handler;
  }

  set talk(handler: Talk) {
    this.handlers.talk = handler;
  }

  close(): void {
    this.server.forceShutdown();
  }
}
