/** Functions of module `env` that Envoy links beside the hostcalls, Emscripten's leftovers, with their types. */
export const TOLERATED = {
  emscripten_notify_memory_growth: "(i32)->()",
  pthread_equal: "(i32,i32)->(i32)",
} as const;
