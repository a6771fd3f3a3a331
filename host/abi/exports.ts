/** Exports beside the callbacks that a host looks up, with the type each must have. */

/** The first that is exported hands out memory: `malloc` wins, as in Envoy. */
export const ALLOCATORS = ["malloc", "proxy_on_memory_allocate"] as const;
export const ALLOCATOR_TYPE = "(i32)->(i32)";

/** Start code of a reactor: `_initialize`, then `main`, or `__main_void` where there is no `main`. */
export const REACTOR = {
  _initialize: "()->()",
  main: "(i32,i32)->(i32)",
  __main_void: "()->(i32)",
} as const;

/** Start code of a module without `_initialize`. */
export const COMMAND = { _start: "()->()" } as const;
