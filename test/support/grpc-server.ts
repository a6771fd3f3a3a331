import {
  type handleBidiStreamingCall,
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";

export type Unary = handleUnaryCall<Buffer, Buffer>;
export type Talk = handleBidiStreamingCall<Buffer, Buffer>;

const asIs = (bytes: Buffer): Buffer => bytes;

function definition(path: string, streams: boolean) {
  return {
    path,
    requestStream: streams,
    responseStream: streams,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  };
}

/** Methods by name; tests may exchange them while the server runs. */
export interface GrpcMethods {
  /** One message each way. */
  unary?: Record<string, Unary>;
  /** Many messages each way. */
  talks?: Record<string, Talk>;
}

/** A gRPC server that is not ours, with one service whose messages are bytes. */
export class GrpcServer {
  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  /** @param service full name, `package.Service` */
  static async start(service: string, { unary = {}, talks = {} }: GrpcMethods): Promise<GrpcServer> {
    const methods: Record<string, ReturnType<typeof definition>> = {};
    const handlers: UntypedServiceImplementation = {};
    for (const name of Object.keys(unary)) {
      methods[name] = definition(`/${service}/${name}`, false);
      handlers[name] = ((call, done) => unary[name]!(call, done)) as Unary;
    }
    for (const name of Object.keys(talks)) {
      methods[name] = definition(`/${service}/${name}`, true);
      handlers[name] = ((call) => talks[name]!(call)) as Talk;
    }
    const server = new Server();
    server.addService(methods, handlers);
    const port = await new Promise<number>((resolve, reject) =>
      server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      ),
    );
    return new GrpcServer(server, port);
  }

  close(): void {
    this.server.forceShutdown();
  }
}
