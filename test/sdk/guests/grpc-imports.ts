import { Action, Bytes, HttpFilter, registerHttp } from "proxy-wasm-toolkit/sdk";
import {
  proxy_grpc_call,
  proxy_grpc_cancel,
  proxy_grpc_close,
  proxy_grpc_send,
  proxy_grpc_stream,
} from "proxy-wasm-toolkit/sdk/env";

/** The raw gRPC imports: they link, and answer for a cluster and ids that do not exist. */
class Grpc extends HttpFilter {
  onRequestHeaders(): Action {
    const name = Bytes.of("no such cluster");
    const size = <usize>name.length;
    const out = memory.data(4);
    const answers = [
      proxy_grpc_call(name.ptr, size, name.ptr, 2, name.ptr, 2, 0, 0, 0, 0, 1000, out),
      proxy_grpc_stream(name.ptr, size, name.ptr, 2, name.ptr, 2, 0, 0, out),
      proxy_grpc_send(6, name.ptr, size, 0),
      proxy_grpc_cancel(6),
      proxy_grpc_close(6),
    ];
    return this.sendLocalResponse(200, answers.join(" "));
  }
}
registerHttp<Grpc>("grpc");
