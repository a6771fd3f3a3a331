import "./abort";

/** Neither `malloc` nor `proxy_on_memory_allocate`: refused at load. */
export function proxy_abi_version_0_2_1(): void {}
