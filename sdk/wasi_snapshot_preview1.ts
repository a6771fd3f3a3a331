/** The WASI imports the SDK needs; the file's name is the name of the import module. Each returns an errno, 0 = ok. */
export declare function clock_time_get(id: i32, precision: i64, outTime: usize): i32;
export declare function random_get(buffer: usize, size: usize): i32;
