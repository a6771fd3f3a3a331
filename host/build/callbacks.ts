/** Which method's override makes which callback worth exporting. */
export interface CallbackRow {
  callback: string;
  /** File below sdk/entry that exports it. */
  file: string;
  /** `Class.method`: an override of any of them exports it. */
  methods: readonly string[];
  /** Exported as well when streams have contexts of their own. */
  keepsContexts?: true;
  /** Exported as well when a module has HTTP and TCP filters: it tells which kind a stream is. */
  tellsKind?: true;
}

const HTTP = ["request", "response"].flatMap((direction) =>
  ["headers", "body", "trailers", "metadata"].map(
    (part): CallbackRow => ({
      callback: `proxy_on_${direction}_${part}`,
      file: "http",
      methods: [`HttpFilter.on${capital(direction)}${capital(part)}`],
    }),
  ),
);

const TCP = (
  [
    ["new_connection", "onNewConnection"],
    ["downstream_data", "onDownstreamData"],
    ["upstream_data", "onUpstreamData"],
    ["upstream_connection_close", "onUpstreamClose"],
    ["downstream_connection_close", "onDownstreamClose"],
  ] as const
).map(
  ([name, method]): CallbackRow => ({
    callback: `proxy_on_${name}`,
    file: "tcp",
    methods: [`TcpFilter.${method}`],
    ...(name === "new_connection" && { tellsKind: true as const }),
  }),
);

const CALL = ["GrpcCall.onResponse", "GrpcCall.onFailure"];
const STREAM = ["onInitialMetadata", "onMessage", "onTrailingMetadata", "onClose"].map(
  (method) => `GrpcStream.${method}`,
);

/** Whoever waits for a call or a stream also has to learn of its end, or keeps it for ever. */
const GRPC: readonly CallbackRow[] = [
  {
    callback: "proxy_on_grpc_receive_initial_metadata",
    file: "grpc",
    methods: ["GrpcStream.onInitialMetadata"],
  },
  { callback: "proxy_on_grpc_receive", file: "grpc", methods: [...CALL, "GrpcStream.onMessage"] },
  {
    callback: "proxy_on_grpc_receive_trailing_metadata",
    file: "grpc",
    methods: ["GrpcStream.onTrailingMetadata"],
  },
  { callback: "proxy_on_grpc_close", file: "grpc", methods: [...CALL, ...STREAM] },
];

/** Every callback of sdk/entry that can be left out. The rest (ABI version, allocator, vm_start) always stays. */
export const CALLBACKS: readonly CallbackRow[] = [
  { callback: "proxy_on_context_create", file: "lifecycle", methods: [], keepsContexts: true },
  {
    callback: "proxy_on_delete",
    file: "lifecycle",
    methods: ["RootContext.onDelete", "StreamContext.onDelete"],
    keepsContexts: true,
  },
  { callback: "proxy_on_configure", file: "lifecycle", methods: ["RootContext.onConfigure"] },
  { callback: "proxy_on_done", file: "lifecycle", methods: ["RootContext.onDone", "StreamContext.onDone"] },
  { callback: "proxy_on_log", file: "lifecycle", methods: ["RootContext.onLog", "StreamContext.onLog"] },
  { callback: "proxy_on_tick", file: "timers", methods: ["RootContext.onTick"] },
  { callback: "proxy_on_queue_ready", file: "queues", methods: ["RootContext.onQueueReady"] },
  {
    callback: "proxy_on_foreign_function",
    file: "foreign",
    methods: ["RootContext.onForeignFunction"],
  },
  {
    callback: "proxy_on_http_call_response",
    file: "http-calls",
    methods: ["HttpCall.onResponse", "HttpCall.onFailure"],
  },
  ...GRPC,
  ...HTTP,
  ...TCP,
];

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
