import { Status } from "../abi/status";
import { proxy_get_shared_data, proxy_set_shared_data } from "../env";
import { Bytes } from "../memory/bytes";
import { encode, encodedSize } from "../memory/encode";
import { KEY, KEY_SIZE, OUT, OUT2 } from "../memory/layout";

/** A value shared by all plugins with the same `vm_id`, on all threads, and the version it was read at. */
export class SharedValue {
  constructor(
    readonly bytes: Bytes,
    readonly cas: u32,
  ) {}
}

/** The value of a key, or null. */
export function getSharedData(key: string): SharedValue | null {
  const name = encode(key, KEY, KEY_SIZE);
  if (proxy_get_shared_data(name, encodedSize(), OUT, OUT + 4, OUT2) != Status.Ok) return null;
  const cas = load<u32>(OUT2);
  return new SharedValue(Bytes.take(load<usize>(OUT), load<usize>(OUT, 4)), cas);
}

/** Sets a key. With a `cas` other than 0 only if nobody has set it since: else `Status.CasMismatch`. */
export function setSharedData(key: string, value: Bytes, cas: u32 = 0): Status {
  const name = encode(key, KEY, KEY_SIZE);
  return proxy_set_shared_data(name, encodedSize(), value.ptr, <usize>value.length, cas);
}

/**
 * A version no value has: setting a missing key with it makes it, and when somebody was faster it is refused, so that
 * neither's first value is lost.
 */
const ABSENT: u32 = u32.MAX_VALUE;

/** A read-modify-write of one shared key, done again when another thread comes first. */
export class SharedUpdate {
  /** The new value for what is there now (null = nothing), or null to leave it. May be called several times. */
  next(current: Bytes | null): Bytes | null {
    return current;
  }

  /** @returns `Status.Ok` when written or left, `Status.CasMismatch` when others were faster `attempts` times */
  apply(key: string, attempts: i32 = 10): Status {
    for (let i = 0; i < attempts; i++) {
      const current = getSharedData(key);
      const value = this.next(current == null ? null : current.bytes);
      if (value == null) return Status.Ok;
      const status = setSharedData(key, value, current == null ? ABSENT : current.cas);
      if (status != Status.CasMismatch) return status;
    }
    return Status.CasMismatch;
  }
}
