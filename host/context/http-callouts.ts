import { MapType } from "../../sdk/abi/map-type";
import { Status } from "../../sdk/abi/status";
import type { HeaderMap } from "../stores/header-map";
import { CallKind } from "./call-ids";
import type { HttpCallRequest, HttpCallResponse } from "./http-caller";
import type { RootContext } from "./root-context";

/** The HTTP calls of a root and of its streams; every answer goes to the root. */
export class HttpCallouts {
  private readonly running = new Map<number, { cancel(): void }>();
  private answer: HttpCallResponse | undefined;

  constructor(private readonly root: RootContext) {}

  /** Undefined when the cluster has no usable host; the id is consumed all the same. */
  start(cluster: string, request: HttpCallRequest): number | undefined {
    const { instance } = this.root;
    const id = instance.callIds.next(CallKind.Http);
    const call = instance.deps.caller.call(cluster, request, (response) => this.finish(id, response));
    if (!call) return undefined;
    this.running.set(id, call);
    return id;
  }

  private finish(id: number, response: HttpCallResponse | undefined): void {
    if (!this.running.delete(id) || this.root.instance.failed) return;
    if (!response)
      return this.root.callStatus.during(Status.BrokenConnection, "reset", () => this.tell(id, 0, 0, 0));
    this.answer = response;
    this.tell(id, response.headers.size, response.body.length, response.trailers?.size ?? 0);
    this.answer = undefined;
  }

  private tell(id: number, headers: number, size: number, trailers: number): void {
    this.root.instance.invoke(this.root, "proxy_on_http_call_response", id, headers, size, trailers);
  }

  /** Maps 6 and 7 exist while an answer is being delivered. */
  map(type: MapType): HeaderMap | undefined {
    if (type === MapType.HttpCallResponseHeaders) return this.answer?.headers;
    if (type === MapType.HttpCallResponseTrailers) return this.answer?.trailers;
    return undefined;
  }

  /** Buffer 4, at the same time. */
  get body(): Buffer | undefined {
    return this.answer?.body;
  }

  /** Ends all calls without telling the guest. */
  dispose(): void {
    for (const call of this.running.values()) call.cancel();
    this.running.clear();
  }
}
