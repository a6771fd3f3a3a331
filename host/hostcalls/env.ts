import { Status } from "../../sdk/abi/status";
import { type AbiVersion, atLeast } from "../abi/version";
import type { Context } from "../context/context";
import type { Instance } from "../context/instance";

/** What the hostcalls of one instance share: memory access with the ABI's rules, and whose turn it is. */
export class HostcallEnv {
  constructor(readonly instance: Instance) {}

  /** The context hostcalls act on. Hostcalls run only inside callbacks, so there always is one. */
  get context(): Context {
    return this.instance.current!;
  }

  /** The context of the running callback. */
  get caller(): Context {
    return this.instance.caller!;
  }

  /** Does the module speak this ABI version or a later one? */
  atLeast(version: AbiVersion): boolean {
    return atLeast(this.instance.compiled.version, version);
  }

  get memory() {
    return this.instance.vm.memory;
  }

  /**
   * Hands bytes to the guest: allocates through it, copies, stores pointer and length. Empty data stores two zeros
   * without allocating.
   */
  put(data: Buffer | string, pointerAt: number, sizeAt: number): Status {
    const { vm } = this.instance;
    let pointer = 0;
    if (data.length > 0) {
      pointer = vm.allocate(data.length);
      if (pointer === 0) return Status.InvalidMemoryAccess;
      const written =
        typeof data === "string" ? vm.memory.writeLatin1(pointer, data) : vm.memory.write(pointer, data);
      if (!written) return Status.InvalidMemoryAccess;
    }
    const stored = vm.memory.writeU32(pointerAt, pointer) && vm.memory.writeU32(sizeAt, data.length);
    return stored ? Status.Ok : Status.InvalidMemoryAccess;
  }

  put32(at: number, value: number): Status {
    return this.memory.writeU32(at, value >>> 0) ? Status.Ok : Status.InvalidMemoryAccess;
  }

  put64(at: number, value: bigint): Status {
    return this.memory.writeU64(at, BigInt.asUintN(64, value)) ? Status.Ok : Status.InvalidMemoryAccess;
  }
}
