import * as env from "../../../sdk/env";
import * as old from "../env";
import * as wasi from "../wasi_snapshot_preview1";
import { bytesOf, decodePairs, encodePairs, percentEncode, textAt } from "./bytes";
import { grpc } from "./grpc-verbs";
import { queues } from "./queue-verbs";

/** Room for three numbers a hostcall writes. */
export const OUT = memory.data(32, 8);

/** What the last hostcall left behind: its status is the return value. */
export let result: string = "";

let args: string[] = [];
let next: i32 = 0;

export function text(): string {
  return next < args.length ? args[next++] : "";
}

export function num(): u32 {
  return <u32>(<i64>parseInt(text(), 10));
}

export function rest(): string[] {
  const items = args.slice(next);
  next = args.length;
  return items;
}

function output(): string {
  return textAt(load<u32>(OUT), load<u32>(OUT + 4));
}

export function number32(status: i32): i32 {
  if (status == 0) result = load<u32>(OUT).toString();
  return status;
}

function number64(status: i32): i32 {
  if (status == 0) result = load<i64>(OUT).toString();
  return status;
}

export function bytes(status: i32): i32 {
  if (status == 0) result = output();
  return status;
}

function pairs(status: i32): i32 {
  if (status == 0) result = decodePairs(load<u32>(OUT), load<u32>(OUT + 4));
  return status;
}

/** True when the verb's result is bytes to be percentEncode for the log. */
export function isText(verb: string): bool {
  return verb != "pairs" && verb != "prop-pairs";
}

/** Performs one verb; the status, or -1 for an unknown verb. */
export function perform(verb: string, values: string[]): i32 {
  args = values;
  next = 0;
  result = "";
  memory.fill(OUT, 0, 32);
  let status = headers(verb);
  if (status < 0) status = buffers(verb);
  if (status < 0) status = streams(verb);
  if (status < 0) status = grpc(verb);
  if (status < 0) status = stores(verb);
  if (status < 0) status = queues(verb);
  if (status < 0) status = system(verb);
  if (status < 0) status = raw(verb);
  return status;
}

function headers(verb: string): i32 {
  if (verb == "pairs") return pairs(env.proxy_get_header_map_pairs(num(), OUT, OUT + 4));
  if (verb == "size") return number32(env.proxy_get_header_map_size(num(), OUT));
  if (verb == "set-pairs") {
    const map = num();
    const data = encodePairs(rest());
    return env.proxy_set_header_map_pairs(map, bytesOf(data), data.length);
  }
  if (verb == "set-pairs-raw") {
    const map = num();
    const data = text();
    return env.proxy_set_header_map_pairs(map, bytesOf(data), data.length);
  }
  if (verb == "get") {
    const map = num();
    const key = text();
    return bytes(env.proxy_get_header_map_value(map, bytesOf(key), key.length, OUT, OUT + 4));
  }
  if (verb == "remove") {
    const map = num();
    const key = text();
    return env.proxy_remove_header_map_value(map, bytesOf(key), key.length);
  }
  if (verb == "add" || verb == "replace") {
    const map = num();
    const key = text();
    const value = text();
    return verb == "add"
      ? env.proxy_add_header_map_value(map, bytesOf(key), key.length, bytesOf(value), value.length)
      : env.proxy_replace_header_map_value(map, bytesOf(key), key.length, bytesOf(value), value.length);
  }
  return -1;
}

function buffers(verb: string): i32 {
  if (verb == "buffer") return bytes(env.proxy_get_buffer_bytes(num(), num(), num(), OUT, OUT + 4));
  if (verb == "buffer-size") return number32(env.proxy_get_buffer_status(num(), OUT, OUT + 4));
  if (verb == "set-buffer") {
    const type = num();
    const start = num();
    const size = num();
    const data = text();
    return env.proxy_set_buffer_bytes(type, start, size, bytesOf(data), data.length);
  }
  return -1;
}

function streams(verb: string): i32 {
  if (PUPPET_ABI >= 20) {
    if (verb == "continue") return env.proxy_continue_stream(num());
    if (verb == "close") return env.proxy_close_stream(num());
  } else {
    if (verb == "continue-request") return old.proxy_continue_request();
    if (verb == "continue-response") return old.proxy_continue_response();
    if (verb == "clear-route-cache") return old.proxy_clear_route_cache();
    if (verb == "configuration") return bytes(old.proxy_get_configuration(OUT, OUT + 4));
  }
  if (verb == "effective") return env.proxy_set_effective_context(num());
  if (verb == "done") return env.proxy_done();
  if (verb == "tick") return env.proxy_set_tick_period_milliseconds(num());
  if (verb == "reply") {
    const code = num();
    const details = text();
    const body = text();
    const grpc = <i32>num();
    const head = args.length > next ? encodePairs(rest()) : "";
    return env.proxy_send_local_response(
      code,
      bytesOf(details),
      details.length,
      bytesOf(body),
      body.length,
      bytesOf(head),
      head.length,
      grpc,
    );
  }
  if (verb == "call") {
    const cluster = text();
    const timeout = num();
    const body = text();
    const head = encodePairs(rest());
    return number32(
      env.proxy_http_call(
        bytesOf(cluster),
        cluster.length,
        bytesOf(head),
        head.length,
        bytesOf(body),
        body.length,
        0,
        0,
        timeout,
        OUT,
      ),
    );
  }
  if (verb == "status") {
    const status = env.proxy_get_status(OUT + 8, OUT, OUT + 4);
    result = `${load<u32>(OUT + 8)} ${output()}`;
    return status;
  }
  return -1;
}

function stores(verb: string): i32 {
  if (verb == "prop" || verb == "prop-int" || verb == "prop-pairs") {
    const path = rest().join("\0");
    const status = env.proxy_get_property(bytesOf(path), path.length, OUT, OUT + 4);
    if (verb == "prop-pairs") return pairs(status);
    if (verb == "prop") return bytes(status);
    if (status == 0) result = load<u32>(OUT + 4) == 8 ? load<i64>(load<u32>(OUT)).toString() : "not 8 bytes";
    return status;
  }
  if (verb == "set-prop") {
    const value = text();
    const path = rest().join("\0");
    return env.proxy_set_property(bytesOf(path), path.length, bytesOf(value), value.length);
  }
  if (verb == "shared") {
    const key = text();
    const status = env.proxy_get_shared_data(bytesOf(key), key.length, OUT, OUT + 4, OUT + 8);
    // Numbers handed out by the store are kept apart, so that a test may compare the value alone.
    if (status == 0) result = output();
    return status;
  }
  if (verb == "shared-cas") {
    const key = text();
    const status = env.proxy_get_shared_data(bytesOf(key), key.length, OUT, OUT + 4, OUT + 8);
    if (status == 0) result = load<u32>(OUT + 8).toString();
    return status;
  }
  if (verb == "set-shared") {
    const key = text();
    const value = text();
    return env.proxy_set_shared_data(bytesOf(key), key.length, bytesOf(value), value.length, num());
  }
  if (verb == "metric") {
    const type = num();
    const name = text();
    return number32(env.proxy_define_metric(type, bytesOf(name), name.length, OUT));
  }
  if (verb == "increment") return env.proxy_increment_metric(num(), <i64>parseInt(text(), 10));
  if (verb == "record") return env.proxy_record_metric(num(), <i64>parseInt(text(), 10));
  if (verb == "read-metric") return number64(env.proxy_get_metric(num(), OUT));
  if (verb == "foreign") {
    const name = text();
    const argument = text();
    return bytes(
      env.proxy_call_foreign_function(
        bytesOf(name),
        name.length,
        bytesOf(argument),
        argument.length,
        OUT,
        OUT + 4,
      ),
    );
  }
  return -1;
}

function system(verb: string): i32 {
  if (verb == "log") {
    const level = num();
    const message = text();
    return env.proxy_log(level, bytesOf(message), message.length);
  }
  if (PUPPET_ABI >= 21 && verb == "log-level") return number32(env.proxy_get_log_level(OUT));
  if (verb == "time") return number64(env.proxy_get_current_time_nanoseconds(OUT));
  if (verb == "write") {
    // Each value is one vector of a single fd_write.
    const fd = num();
    const parts = rest();
    const vectors = heap.alloc(parts.length * 8);
    for (let i = 0; i < parts.length; i++) {
      store<u32>(vectors + i * 8, <u32>bytesOf(parts[i]));
      store<u32>(vectors + i * 8 + 4, parts[i].length);
    }
    return number32(wasi.fd_write(fd, vectors, parts.length, OUT));
  }
  if (verb == "clock") return number64(wasi.clock_time_get(num(), 0, OUT));
  if (verb == "clock-resolution") return number64(wasi.clock_res_get(num(), OUT));
  if (verb == "random") {
    const size = num();
    const data = heap.alloc(size);
    memory.fill(data, 0, size);
    const status = wasi.random_get(data, size);
    let zeros = 0;
    for (let i: u32 = 0; i < size; i++) if (load<u8>(data + i) == 0) zeros++;
    result = zeros < <i32>size ? "filled" : "zero";
    return status;
  }
  if (verb == "environment") {
    const sizes = wasi.environ_sizes_get(OUT, OUT + 4);
    const count = load<u32>(OUT);
    const size = load<u32>(OUT + 4);
    const pointers = heap.alloc(count * 4 + 4);
    const data = heap.alloc(size + 1);
    const status = wasi.environ_get(pointers, data);
    const entries = textAt(data, size).split("\0");
    entries.pop();
    entries.sort();
    result = entries.join(",");
    return sizes == 0 ? status : sizes;
  }
  if (verb == "arguments") {
    const status = wasi.args_sizes_get(OUT, OUT + 4);
    result = `${load<u32>(OUT)} ${load<u32>(OUT + 4)}`;
    return status;
  }
  if (verb == "exit") {
    wasi.proc_exit(<i32>num());
    return 0;
  }
  if (verb == "yield") return wasi.sched_yield();
  if (verb == "poll") return number32(wasi.poll_oneoff(OUT + 8, OUT + 8, 0, OUT));
  if (verb == "fd-close") return wasi.fd_close(num());
  if (verb == "fd-read") return wasi.fd_read(num(), OUT + 8, 0, OUT);
  if (verb == "fd-stat") {
    const data = heap.alloc(24);
    const status = wasi.fd_fdstat_get(num(), data);
    if (status == 0) result = load<i64>(data + 8).toString();
    return status;
  }
  if (verb == "fd-prestat") return wasi.fd_prestat_get(num(), OUT);
  if (verb == "trap") unreachable();
  if (verb == "overflow") return deeper(1);
  if (verb == "set") {
    result = rest().join(" ");
    return 0;
  }
  return -1;
}

/** Hostcalls with addresses as they stand. */
function raw(verb: string): i32 {
  if (verb == "raw-log") return env.proxy_log(num(), num(), num());
  if (verb == "raw-get") return env.proxy_get_header_map_value(num(), num(), num(), num(), num());
  if (verb == "raw-buffer") return env.proxy_get_buffer_bytes(num(), num(), num(), num(), num());
  if (verb == "raw-property") return env.proxy_get_property(num(), num(), num(), num());
  if (verb == "raw-time") return env.proxy_get_current_time_nanoseconds(num());
  if (verb == "raw-set-pairs") return env.proxy_set_header_map_pairs(num(), num(), num());
  if (verb == "raw-random") return wasi.random_get(num(), num());
  if (verb == "raw-write") return wasi.fd_write(num(), num(), num(), num());
  if (verb == "peek") {
    result = load<u32>(num()).toString();
    return 0;
  }
  if (verb == "memory-end") {
    result = (memory.size() << 16).toString();
    return 0;
  }
  return -1;
}

/** Recurses until the stack is used up. */
function deeper(depth: i32): i32 {
  return deeper(depth + 1) + depth;
}

/** One line at info level, the form tests read: `name=status value`. */
export function say(line: string): void {
  env.proxy_log(2, bytesOf(line), line.length);
}

export { percentEncode };
