/** Hostcalls only ABI 0.1.0 has, typed as Envoy types them; the file's name is the name of the import module. */
export declare function proxy_get_configuration(outData: usize, outSize: usize): i32;
export declare function proxy_continue_request(): i32;
export declare function proxy_continue_response(): i32;
export declare function proxy_clear_route_cache(): i32;
