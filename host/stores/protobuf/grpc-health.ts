import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { defineMessages } from "./define";

const { HealthCheckRequest, HealthCheckResponse } = defineMessages("grpc.health.v1", {
  HealthCheckRequest: { service: [1, "string"] },
  // The enum ServingStatus on the wire.
  HealthCheckResponse: { status: [1, "int32"] },
});

export const SERVING = 1;

/** The message that asks how a service is; "" = the server as a whole. */
export function healthRequest(service: string): Uint8Array {
  return toBinary(HealthCheckRequest, create(HealthCheckRequest, { service }));
}

/** The status of the answer; undefined when the bytes are no such message. */
export function healthStatus(bytes: Uint8Array): number | undefined {
  try {
    return (fromBinary(HealthCheckResponse, bytes) as unknown as { status: number }).status;
  } catch {
    return undefined;
  }
}
