import { GrpcStatus } from "../abi/grpc-status";

/** HTTP status that stands for a gRPC status, as google.rpc.Code gives it. */
export function httpStatusOf(status: GrpcStatus): i32 {
  switch (status) {
    case GrpcStatus.Ok:
      return 200;
    case GrpcStatus.Cancelled:
      return 499;
    case GrpcStatus.InvalidArgument:
    case GrpcStatus.FailedPrecondition:
    case GrpcStatus.OutOfRange:
      return 400;
    case GrpcStatus.DeadlineExceeded:
      return 504;
    case GrpcStatus.NotFound:
      return 404;
    case GrpcStatus.AlreadyExists:
    case GrpcStatus.Aborted:
      return 409;
    case GrpcStatus.PermissionDenied:
      return 403;
    case GrpcStatus.ResourceExhausted:
      return 429;
    case GrpcStatus.Unimplemented:
      return 501;
    case GrpcStatus.Unavailable:
      return 503;
    case GrpcStatus.Unauthenticated:
      return 401;
    default:
      return 500;
  }
}
