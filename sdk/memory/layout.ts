/**
 * Static memory the hostcalls work in; it costs the module nothing and no allocation per call.
 * One hostcall at a time uses it: what a caller wants to keep is copied out before the next one.
 */

/** Out-parameters: two words (pointer and size of a block), or one 8-byte number. */
export const OUT: usize = memory.data(16, 8);
/** A third out-parameter: cas, status code, call id. */
export const OUT2: usize = OUT + 8;

/** Where the host puts a block of at most `SCRATCH_SIZE` bytes; a larger one gets an object of its own. */
export const SCRATCH_SIZE: usize = 1024;
export const SCRATCH: usize = memory.data(1024, 8);

/** Where the first text of a hostcall (a name, a key) is encoded. */
export const KEY_SIZE: usize = 256;
export const KEY: usize = memory.data(256, 8);

/** Where the second text of a hostcall (a value, a message) is encoded. */
export const VALUE_SIZE: usize = 1024;
export const VALUE: usize = memory.data(1024, 8);

/** What `proxy-wasm build` puts in place of the SDK's compile-time switches. */
export const YES: bool = true;
export const NO: bool = false;
