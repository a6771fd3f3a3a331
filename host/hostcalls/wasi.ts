import { randomFillSync } from "node:crypto";
import { MAX_RANDOM_BYTES } from "../../sdk/abi/limits";
import { LogLevel } from "../../sdk/abi/log-level";
import { Errno, type WasiName } from "../abi/wasi";
import type { HostcallEnv } from "./env";
import { guestLog } from "./logging";

type Wasi = (...args: number[]) => number;

const answer = (errno: Errno) => () => errno;
/** Standard output and error exist, no other descriptor does. */
const ifStandard = (fd: number | undefined) => (fd === 1 || fd === 2 ? Errno.Success : Errno.BadF);

/** All vectors of one write become one log line; a single trailing newline goes, nothing left = no line. */
function write(env: HostcallEnv, fd: number, vectors: number, count: number, writtenAt: number): Errno {
  if (fd !== 1 && fd !== 2) return Errno.BadF;
  let text = "";
  for (let i = 0; i < count; i++) {
    const ptr = env.memory.readU32(vectors + 8 * i);
    const size = env.memory.readU32(vectors + 8 * i + 4);
    const part = ptr === undefined || size === undefined ? undefined : env.memory.latin1(ptr, size);
    if (part === undefined) return Errno.Fault;
    text += part;
  }
  const line = text.endsWith("\n") ? text.slice(0, -1) : text;
  if (line !== "") guestLog(env, fd === 1 ? LogLevel.Info : LogLevel.Error, line);
  return env.memory.writeU32(writtenAt, text.length) ? Errno.Success : Errno.Fault;
}

function environment(env: HostcallEnv): Buffer[] {
  return [...env.instance.deps.environment].map(([key, value]) => Buffer.from(`${key}=${value}\0`));
}

/** WASI as Envoy offers it: logs, clocks, random numbers, environment; everything else is inert. */
export function wasi(env: HostcallEnv): Record<WasiName, Wasi> {
  const { clock } = env.instance.deps;
  const random = env.instance.deps.random ?? randomFillSync;
  const clocks = [() => clock.now(), () => clock.monotonic()];
  return {
    fd_write: (fd, vectors, count, out) => write(env, fd!, vectors!, count!, out!),
    fd_pwrite: (fd, vectors, count, _offset, out) => write(env, fd!, vectors!, count!, out!),
    clock_time_get(id, _precision, out) {
      const read = clocks[id!];
      if (!read) return Errno.NotSup;
      return env.memory.writeU64(out!, read()) ? Errno.Success : Errno.Fault;
    },
    clock_res_get(id, out) {
      if (!clocks[id!]) return Errno.NotSup;
      return env.memory.writeU64(out!, 1n) ? Errno.Success : Errno.Fault;
    },
    random_get(ptr, size) {
      if (size! >>> 0 > MAX_RANDOM_BYTES) return Errno.Inval;
      return env.memory.fill(ptr!, size!, (target) => void random(target)) ? Errno.Success : Errno.Fault;
    },
    environ_sizes_get(countAt, sizeAt) {
      const entries = environment(env);
      const size = entries.reduce((sum, entry) => sum + entry.length, 0);
      const stored = env.memory.writeU32(countAt!, entries.length) && env.memory.writeU32(sizeAt!, size);
      return stored ? Errno.Success : Errno.Fault;
    },
    environ_get(pointersAt, textAt) {
      let at = textAt!;
      for (const [i, entry] of environment(env).entries()) {
        if (!env.memory.writeU32(pointersAt! + 4 * i, at) || !env.memory.write(at, entry)) return Errno.Fault;
        at += entry.length;
      }
      return Errno.Success;
    },
    args_sizes_get(countAt, sizeAt) {
      return env.memory.writeU32(countAt!, 0) && env.memory.writeU32(sizeAt!, 0)
        ? Errno.Success
        : Errno.Fault;
    },
    args_get: answer(Errno.Success),
    proc_exit: answer(Errno.Success),
    sched_yield: answer(Errno.Success),
    poll_oneoff: (_in, _out, _count, eventsAt) =>
      env.memory.writeU32(eventsAt!, 0) ? Errno.Success : Errno.Fault,
    fd_close: answer(Errno.Success),
    fd_seek: answer(Errno.Success),
    fd_fdstat_get(fd, out) {
      if (fd !== 1 && fd !== 2) return Errno.BadF;
      const stat = Buffer.alloc(24);
      stat.writeUInt32LE(64, 8);
      // Envoy does not look whether that went well.
      env.memory.write(out!, stat);
      return Errno.Success;
    },
    fd_fdstat_set_flags: answer(Errno.NoSys),
    fd_read: answer(Errno.NoSys),
    fd_pread: answer(Errno.NoSys),
    fd_prestat_dir_name: answer(Errno.NoSys),
    fd_prestat_get: answer(Errno.BadF),
    fd_filestat_get: answer(Errno.BadF),
    fd_fdstat_set_rights: ifStandard,
    fd_allocate: ifStandard,
    fd_datasync: ifStandard,
    fd_sync: ifStandard,
    fd_filestat_set_size: ifStandard,
    fd_filestat_set_times: ifStandard,
    fd_tell(fd, out) {
      if (fd !== 1 && fd !== 2) return Errno.BadF;
      return env.memory.writeU64(out!, 0n) ? Errno.Success : Errno.Fault;
    },
    fd_advise: answer(Errno.Success),
    fd_readdir: (_fd, _ptr, _size, _cookie, out) =>
      env.memory.writeU32(out!, 0) ? Errno.Exist : Errno.Fault,
    fd_renumber: (from, to) =>
      ifStandard(from) === Errno.Success && ifStandard(to) === Errno.Success ? Errno.NotSup : Errno.BadF,
    path_open: answer(Errno.NoEnt),
    path_filestat_get: answer(Errno.NotSup),
    path_create_directory: answer(Errno.NotSup),
    path_filestat_set_times: answer(Errno.NotSup),
    path_link: answer(Errno.NotSup),
    path_readlink: answer(Errno.NotSup),
    path_remove_directory: answer(Errno.NotSup),
    path_rename: answer(Errno.NotSup),
    path_symlink: answer(Errno.NotSup),
    path_unlink_file: answer(Errno.NotSup),
    sock_accept: answer(Errno.NotSup),
    sock_recv: answer(Errno.NotSup),
    sock_send: answer(Errno.NotSup),
    sock_shutdown: answer(Errno.NotSup),
  };
}
