/** WASI functions guests of the tests call; the file's name is the name of the import module. */
export declare function fd_write(fd: i32, vectors: usize, count: i32, outWritten: usize): i32;
export declare function clock_time_get(id: i32, precision: i64, outTime: usize): i32;
export declare function clock_res_get(id: i32, outResolution: usize): i32;
export declare function random_get(data: usize, size: usize): i32;
export declare function environ_sizes_get(outCount: usize, outSize: usize): i32;
export declare function environ_get(outPointers: usize, outData: usize): i32;
export declare function args_sizes_get(outCount: usize, outSize: usize): i32;
export declare function sched_yield(): i32;
export declare function poll_oneoff(subscriptions: usize, events: usize, count: i32, outEvents: usize): i32;
export declare function fd_close(fd: i32): i32;
export declare function fd_fdstat_get(fd: i32, out: usize): i32;
export declare function fd_read(fd: i32, vectors: usize, count: i32, outRead: usize): i32;
export declare function fd_prestat_get(fd: i32, out: usize): i32;
export declare function proc_exit(code: i32): void;
