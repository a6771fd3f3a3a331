/** The low bits of a call's id tell its kind. */
export enum CallKind {
  Http = 0,
  GrpcCall = 1,
  GrpcStream = 2,
}

const STEP = 4;
const MASK = STEP - 1;

export function callKind(id: number): number {
  return id & MASK;
}

/** Numbers the calls of one VM: HTTP 4, 8, ...; gRPC calls 5, 9, ...; gRPC streams 6, 10, ... */
export class CallIds {
  private readonly counts = [0, 0, 0];

  next(kind: CallKind): number {
    const count = this.counts[kind]! + 1;
    // After 2^30 calls the first numbers are free again.
    this.counts[kind] = count === 2 ** 30 - 1 ? 0 : count;
    return count * STEP + kind;
  }
}
