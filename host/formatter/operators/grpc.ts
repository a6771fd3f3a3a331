import { grpcStatusOf } from "../../stores/grpc-status";
import type { StreamInfo } from "../../stores/stream-info";
import { FormatError } from "../format-error";
import { type Operator, type Operators, plain } from "../scope";

const CAMEL = [
  ...["OK", "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound", "AlreadyExists"],
  ...[
    "PermissionDenied",
    "ResourceExhausted",
    "FailedPrecondition",
    "Aborted",
    "OutOfRange",
    "Unimplemented",
  ],
  ...["Internal", "Unavailable", "DataLoss", "Unauthenticated"],
];

const SNAKE = [
  ...["OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS"],
  ...["PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE"],
  ...["UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"],
];

/**
 * `grpc-status` out of trailers, else headers, else what stands for the HTTP status.
 *
 * @param any of requests that are no gRPC, too
 */
export function grpcStatus(
  { requestHeaders, responseHeaders, responseTrailers, responseCode }: StreamInfo,
  any = false,
): number | undefined {
  if (!any && !/^application\/grpc(\+|$)/.test(requestHeaders?.get("content-type") ?? "")) return undefined;
  const sent = responseTrailers?.get("grpc-status") || responseHeaders?.get("grpc-status");
  if (sent) return /^\d{1,15}$/.test(sent) ? Number(sent) : -1;
  return responseCode === undefined ? undefined : grpcStatusOf(responseCode);
}

const GRPC_STATUS: Operator = {
  about: "`CAMEL_STRING` (default), `SNAKE_STRING` or `NUMBER`; only of gRPC requests",
  argument: "optional",
  make(form) {
    if (form === "NUMBER") return ({ info }) => grpcStatus(info);
    if (form !== "" && form !== "CAMEL_STRING" && form !== "SNAKE_STRING")
      throw new FormatError(`GRPC_STATUS knows CAMEL_STRING, SNAKE_STRING and NUMBER, not "${form}"`);
    const names = form === "SNAKE_STRING" ? SNAKE : CAMEL;
    return ({ info }) => {
      const status = grpcStatus(info);
      return status === undefined ? undefined : (names[status] ?? String(status));
    };
  },
};

export const GRPC: Operators = {
  GRPC_STATUS,
  GRPC_STATUS_NUMBER: plain("The same as a number", ({ info }) => grpcStatus(info)),
};
