import { grpcStatusOf } from "../stores/grpc-status";
import { HeaderMap } from "../stores/header-map";
import type { LocalReply, RewrittenReply } from "./filter";

/** `application/grpc` or `application/grpc+...`, exactly. */
export function isGrpc(request: HeaderMap | undefined): boolean {
  const type = request?.get("content-type");
  return type !== undefined && (type === "application/grpc" || type.startsWith("application/grpc+"));
}

/** grpc-message keeps printable ASCII but `%`. */
function percentEncode(text: string): string {
  return text.replace(
    /[^\x20-\x24\x26-\x7e]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}

/** The response that carries a local reply: gRPC clients get a trailers-only answer, one to HEAD has no message. */
export function buildLocalReply(
  reply: LocalReply,
  request: { grpc: boolean; head: boolean },
  decorate: (headers: HeaderMap) => void,
  rewrite?: (headers: HeaderMap, status: number, body: Buffer) => RewrittenReply,
): { headers: HeaderMap; body: Buffer } {
  const given = typeof reply.body === "string" ? Buffer.from(reply.body, "latin1") : reply.body;
  const headers = new HeaderMap("response");
  headers.append(":status", String(reply.status));
  decorate(headers);
  for (const [name, value] of reply.headers ?? []) if (name !== ":status") headers.add(name, value);
  const typeBefore = headers.get("content-type");
  const { status, body, contentType } = rewrite?.(headers, reply.status, given) ?? {
    ...{ status: reply.status, body: given, contentType: "text/plain" },
  };
  if (request.grpc) {
    const asked = reply.grpcStatus;
    const grpcStatus = asked !== undefined && asked >= 0 && asked <= 16 ? asked : grpcStatusOf(status);
    headers.set(":status", "200");
    headers.set("content-type", "application/grpc");
    headers.set("grpc-status", String(grpcStatus));
    if (body.length > 0 && !request.head) headers.set("grpc-message", percentEncode(body.toString("latin1")));
    headers.remove("content-length");
    return { headers, body: Buffer.alloc(0) };
  }
  if (body.length > 0) {
    headers.set("content-length", String(body.length));
    const typeNow = headers.get("content-type");
    // Another body is of another type, unless somebody has said so.
    const remade = !body.equals(given) && typeNow === typeBefore;
    if (typeNow === undefined || remade) headers.set("content-type", contentType);
  } else {
    headers.remove("content-length");
    headers.remove("content-type");
  }
  return { headers, body };
}
