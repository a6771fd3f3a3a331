import { getPropertyString, HeaderName, HttpFilter, PropertyPath } from "proxy-wasm-toolkit/sdk";
import { decimal } from "proxy-wasm-toolkit/sdk/text/ascii";
import { Service, Services } from "./services";

const AUTHORITY = new HeaderName(":authority");
const CONTENT_TYPE = new HeaderName("content-type");
const STATUS = new HeaderName(":status");
const PEER = PropertyPath.of(["connection", "uri_san_peer_certificate"]);
const LOCAL = PropertyPath.of(["connection", "uri_san_local_certificate"]);

/** All of an ended request that its labels depend on, apart from the proxy itself. Two equal ones share their series. */
export class Facts {
  readonly authority: string;
  readonly service: Service;
  readonly isGrpc: bool;
  readonly code: i32;
  /** -1 = none. */
  readonly grpcStatus: i32;
  readonly flags: i64;
  readonly isMtls: bool;
  /** First URI SAN of the client's certificate and of our own; "" = none. */
  readonly peer: string;
  readonly local: string;
  readonly hash: u32;

  /** `withTls`: read what the client's connection says; a source's labels do not have it. */
  constructor(filter: HttpFilter, services: Services, withTls: bool) {
    const authority = filter.request.headers.get<HeaderName>(AUTHORITY);
    this.authority = authority == null ? "" : authority;
    this.service = services.current();
    const type = filter.request.headers.get<HeaderName>(CONTENT_TYPE);
    const isGrpc = type != null && (type == "application/grpc" || type.startsWith("application/grpc+"));
    this.isGrpc = isGrpc;
    // The header map is cheaper to ask than the property, and says the same wherever there was a response.
    const status = filter.response.headers.get<HeaderName>(STATUS);
    const code = status == null ? -1 : decimal(status);
    this.code = code < 0 ? filter.response.code : code;
    this.grpcStatus = isGrpc ? filter.response.grpcStatus : -1;
    this.flags = filter.response.flags;
    const mtls = withTls && filter.connection.mtls;
    this.isMtls = mtls;
    this.peer = mtls ? text(getPropertyString(PEER)) : "";
    this.local = mtls ? text(getPropertyString(LOCAL)) : "";
    const seed = mix(mix(mix(BASIS, this.code), this.grpcStatus), <u32>this.flags);
    this.hash = hashText(this.peer, hashText(this.authority, seed));
  }

  equals(other: Facts): bool {
    return (
      this.code == other.code &&
      this.flags == other.flags &&
      this.isGrpc == other.isGrpc &&
      this.grpcStatus == other.grpcStatus &&
      this.isMtls == other.isMtls &&
      this.authority == other.authority &&
      this.service == other.service &&
      this.peer == other.peer &&
      this.local == other.local
    );
  }
}

function text(value: string | null): string {
  return value == null ? "" : value;
}

const BASIS: u32 = 2166136261;

/** FNV-1a. */
function mix(hash: u32, value: u32): u32 {
  return (hash ^ value) * 16777619;
}

function hashText(text: string, seed: u32): u32 {
  let hash = seed;
  for (let i = 0; i < text.length; i++) hash = mix(hash, text.charCodeAt(i));
  return hash;
}
