import { fromBinary } from "@bufbuild/protobuf";
import { defineMessages } from "./define";

/** The parts of `envoy.config.core.v3.GrpcService` that calls of filters make use of. */
export interface GrpcService {
  cluster: string;
  /** `:authority`; empty = the cluster's name. */
  authority: string;
  metadata: readonly (readonly [string, string])[];
  /** Bytes of one received message; 0 = no limit of its own. */
  maxMessage: number;
  /** No `x-envoy-internal`. */
  skipEnvoyHeaders: boolean;
}

const { GrpcService: SCHEMA } = defineMessages("envoy.config.core.v3", {
  GrpcService: {
    envoy_grpc: [1, "EnvoyGrpc"],
    google_grpc: [2, "GoogleGrpc"],
    initial_metadata: [5, "HeaderValue[]"],
  },
  EnvoyGrpc: {
    cluster_name: [1, "string"],
    authority: [2, "string"],
    max_receive_message_length: [4, "Limit"],
    skip_envoy_headers: [5, "bool"],
  },
  // google.protobuf.UInt32Value on the wire.
  Limit: { value: [1, "uint32"] },
  GoogleGrpc: {},
  HeaderValue: { key: [1, "string"], value: [2, "string"] },
});

interface Parsed {
  envoyGrpc?: {
    clusterName: string;
    authority: string;
    maxReceiveMessageLength?: { value: number };
    skipEnvoyHeaders: boolean;
  };
  googleGrpc?: object;
  initialMetadata: { key: string; value: string }[];
}

/**
 * A serialized `GrpcService`. `unparsable`: it is none, so the bytes are a cluster's name; `no target`: it says nothing
 * of where to; `google`: it asks for the Google client.
 */
export function parseGrpcService(bytes: Buffer): GrpcService | "unparsable" | "no target" | "google" {
  let parsed: Parsed;
  try {
    parsed = fromBinary(SCHEMA, bytes) as unknown as Parsed;
  } catch {
    return "unparsable";
  }
  const { envoyGrpc, googleGrpc, initialMetadata } = parsed;
  if (googleGrpc) return "google";
  if (!envoyGrpc) return "no target";
  return {
    cluster: latin1(envoyGrpc.clusterName),
    authority: latin1(envoyGrpc.authority),
    metadata: initialMetadata.map(({ key, value }) => [latin1(key).toLowerCase(), latin1(value)] as const),
    maxMessage: envoyGrpc.maxReceiveMessageLength?.value ?? 0,
    skipEnvoyHeaders: envoyGrpc.skipEnvoyHeaders,
  };
}

/** A cluster's bare name as a service. */
export function clusterService(cluster: string): GrpcService {
  return { cluster, authority: "", metadata: [], maxMessage: 0, skipEnvoyHeaders: false };
}

/** Text as the host keeps it: one character a byte of its UTF-8. */
function latin1(text: string): string {
  return Buffer.from(text).toString("latin1");
}
