/** Largest serialized pairs block that is decoded, in bytes; a larger one reads as an empty list. */
export const MAX_PAIRS_BYTES = 1048576;
/** Most pairs in one block; a longer list reads as an empty list. */
export const MAX_PAIRS = 1024;
/** Most memory a module can have, in pages of 64 KiB: 1 GiB. */
export const MAX_MEMORY_PAGES = 16384;
/** Most bytes one WASI random_get call fills. */
export const MAX_RANDOM_BYTES = 65536;
