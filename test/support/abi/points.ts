/** A point on which naive hosts differ from Envoy, with the tests of it as `section: behaviour`. */
export interface Point {
  says: string;
  tests: readonly string[];
}

/** Each is checked to have tests that exist; docs/abi.md shows them. */
export const POINTS: readonly Point[] = [
  {
    says: "Both allocators exported: `malloc` is used.",
    tests: ["Start of a module: both allocators exported: malloc is used"],
  },
  {
    says: "`on_vm_start` is called for each root context, after `on_context_create`.",
    tests: [
      "Context lifecycle: two plugins in one VM: context_create, vm_start and configure for each root",
      "Context lifecycle: a root context is created before vm_start, then configured",
    ],
  },
  {
    says: "A plugin is configured in a canary, on the main thread and on each worker; the canary sees neither done nor delete.",
    tests: [
      "Context lifecycle: with one worker a plugin starts three times: canary, main thread, worker; the canary gets no done or delete",
    ],
  },
  {
    says: "HTTP streams end with log, done, delete; TCP streams with done, log, delete.",
    tests: [
      "Context lifecycle: log runs for all filters first, then done and delete filter by filter",
      "TCP filters: order of callbacks: the client closes first",
    ],
  },
  {
    says: "A stream's `on_done` cannot hold it back; `proxy_done` there is NotFound.",
    tests: [
      "Context lifecycle: the result of a stream's on_done is ignored, and proxy_done is NotFound there",
    ],
  },
  {
    says: "Request headers in body and response callbacks: value BadArgument, pairs empty, size BadArgument; `request.path` NotFound.",
    tests: [
      "Header maps: request headers cannot be read in the body callback",
      "Header maps: request headers cannot be read in the response phase: value BadArgument, pairs empty, size BadArgument",
      "Properties: request.* is absent in the body callback and in the response phase",
    ],
  },
  {
    says: "A missing header is NotFound, in ABI 0.1.0 Ok and empty; an unavailable map is BadArgument in both.",
    tests: [
      "Header maps: get of a missing header is NotFound, of an empty one Ok",
      "ABI versions: 0.1.0: a missing header is Ok and empty; a map that is not there is BadArgument as ever",
    ],
  },
  {
    says: "Unavailable buffers read as empty and Ok; only call bodies and the plugin configuration are NotFound.",
    tests: [
      "Bodies: an absent buffer reads as empty and Ok; setting it is BadArgument",
      "Bodies: buffers outside their phase: call body and plugin configuration NotFound, VM configuration always there",
    ],
  },
  {
    says: "Setting a buffer in its middle is BadArgument, past its end appends, at 0 drops and prepends.",
    tests: [
      "Bodies: a start in the middle is BadArgument and changes nothing",
      "Bodies: a start at or past the end appends",
      "Bodies: start 0 drops so many bytes from the front, then puts the data there",
    ],
  },
  {
    says: "A read past the end of a buffer is Ok and empty.",
    tests: ["Bodies: start and size cut out a part; a start past the end reads as empty, not as an error"],
  },
  {
    says: "Headers result 1 stops everything, 2 continues; body result 1 buffers, 3 and above lose the chunk.",
    tests: [
      "Pause and continue: headers 1 stops the request until continue; then the body follows",
      "Pause and continue: headers 2 continues",
      "Pause and continue: body 2 keeps the data but shows each chunk alone",
      "Bodies: while buffering, size and buffer grow to the whole body",
    ],
  },
  {
    says: "Continuing inside the callback that pauses does not undo the pause.",
    tests: [
      "Pause and continue: continue in the very callback that pauses a request with a body does not undo the pause",
    ],
  },
  {
    says: "The size of a body grows only while it is buffered.",
    tests: [
      "Bodies: while buffering, size and buffer grow to the whole body",
      "Bodies: a streamed chunk can be read in its callback, with its size",
    ],
  },
  {
    says: "HTTP/1 bodies end with an empty callback; a message of headers alone has none.",
    tests: [
      "Context lifecycle: bodies end with an empty callback of their own",
      "Context lifecycle: the order of a request without bodies: no body callbacks, end of stream in the headers",
    ],
  },
  {
    says: "A local reply from the request path passes the own response callbacks, from response headers it does not, later it is a reset; the first wins.",
    tests: [
      "Local responses: from the request it passes the own response callbacks, which may edit it",
      "Local responses: from response headers: it replaces the answer and is not shown again",
      "Local responses: from the response body after the headers have left: the client is cut off",
      "Local responses: the first of two wins",
    ],
  },
  {
    says: "After a local reply the callback's own result does not matter.",
    tests: ["Local responses: the callback's own result does not matter after it"],
  },
  {
    says: "Refused calls and timeouts are answers, 503 and 504; a cluster without hosts is InternalFailure; answers go to the root, also after the stream.",
    tests: [
      "HTTP calls: a refused connection is an answer: 503 with a text",
      "HTTP calls: a timeout is an answer: 504",
      "HTTP calls: a cluster without hosts: InternalFailure",
      "HTTP calls: an answer that comes after the stream has gone is still delivered; the stream is an unknown context",
    ],
  },
  {
    says: "The code of `get_status` is sticky.",
    tests: [
      "HTTP calls: the code of get_status is sticky: a later success still reads it, with an empty message",
    ],
  },
  {
    says: "A gRPC call that succeeds has no close, one that fails no message.",
    tests: [
      "gRPC calls: success: one grpc_receive with the message, nothing else",
      "gRPC calls: failure: one grpc_close with the status; the message is the server's, still percent-encoded, with the details",
    ],
  },
  {
    says: "`set_header_map_pairs` with a block that cannot be decoded, or of more than 1024 pairs, wipes the map and is Ok.",
    tests: [
      "Header maps: set pairs with an undecodable block wipes the map and is Ok",
      "Header maps: more than 1024 pairs are read as none: the map is wiped",
    ],
  },
  {
    says: "`add` on `:path` and other single-line headers joins with a comma, on `cookie` it does not.",
    tests: [
      "Header maps: add to :path joins too",
      "Header maps: add to a known single-line header joins with a comma",
      "Header maps: add makes another line of the same name",
    ],
  },
  {
    says: "Defining a metric twice gives two ids of one value; record on a counter adds; gauges wrap; a histogram cannot be incremented.",
    tests: [
      "Metrics: defining a name again gives a new id of the same value",
      "Metrics: record on a counter adds",
      "Metrics: a gauge below zero wraps around",
      "Metrics: a histogram: record is Ok, increment and read BadArgument",
    ],
  },
  {
    says: "A cas on a missing key creates it; cas numbers come from one counter.",
    tests: [
      "Shared data: cas 0 overwrites; a cas on a missing key creates it",
      "Shared data: every write gives a new, larger cas number",
    ],
  },
  {
    says: "Notifications of queues come later, one for each item, to the last who registered.",
    tests: [
      "Shared queues: what a stream puts in is told to the root that registered, after the callback, and taken out there",
      "Shared queues: one notification for each item, also when an earlier one has taken everything: then the queue is empty",
      "Shared queues: notifications go to the root that registered last",
    ],
  },
  {
    says: "A property set under several segments cannot be read back; one declared read-only takes one value.",
    tests: [
      "Properties: set_property: overwritten by a second one; several segments can be set, not read back",
      "Declared properties: a read-only property takes one value, from whichever plugin comes first",
    ],
  },
  {
    says: "Bare `node`, `cluster_name` and the like are NotFound, an empty path is SerializationFailure.",
    tests: [
      "Properties: the old bare names are gone: node, cluster_name, route_name",
      "Properties: an empty path and a bare namespace are not serializable, unknown names NotFound",
    ],
  },
  {
    says: "`get_header_map_size` is the bytes of names and values.",
    tests: ["Header maps: size is the bytes of names and values, not of the serialized block"],
  },
  {
    says: "`continue_stream(3)` is Unimplemented; `close_stream(3)` closes the downstream.",
    tests: [
      "Pause and continue: continue_stream: request and response Ok, downstream Ok, upstream Unimplemented, others BadArgument",
      "TCP filters: close: close_stream(3) from downstream_data: the bytes do not get through",
    ],
  },
  {
    says: "`proc_exit` returns; one `fd_write` is one log line, without its last newline.",
    tests: [
      "Clocks, WASI and memory: proc_exit returns to the guest, which lives on",
      "Logging: stdout is logged at info, stderr at error, a newline at the end is dropped, several vectors are one line",
    ],
  },
  {
    says: "A trap in `on_log` ends the VM for later requests; `FAIL_OPEN` still answers 503 to the stream that trapped.",
    tests: [
      "Traps and failure policies: a trap in on_log leaves this response alone and fails the next request",
      "Traps and failure policies: trap in request_headers, FAIL_OPEN: the stream fails, later ones go without the filter",
    ],
  },
  {
    says: "Results are written to address 0 as to any other.",
    tests: ["Clocks, WASI and memory: address 0 is an address like any other: results are written there"],
  },
  {
    says: "The effective context lasts for one callback; an unknown id is BadArgument, 0 is Ok.",
    tests: [
      "Pause and continue: the effective context lasts for the running callback only",
      "Pause and continue: set_effective_context: an unknown id is BadArgument, 0 is the own context again",
    ],
  },
  {
    says: "Properties of lists, maps and metadata have encodings of their own; a null inside makes them unserializable.",
    tests: [
      "Properties: metadata values: a number is a double, a bool one byte, a list pairs with empty values, null not serializable",
      "Properties that are messages: a null makes what is around it unserializable, except for a whole message",
    ],
  },
  {
    says: "An input of length 0 whose address is outside memory is InvalidMemoryAccess.",
    tests: [
      "Clocks, WASI and memory: input outside memory is InvalidMemoryAccess, even with length 0; at the very end it is Ok",
    ],
  },
  {
    says: "Start code may call little; a hostcall inside the allocator ends the VM.",
    tests: [
      "Restricted calls: start code may not call proxy_get_property: the module is refused",
      "Restricted calls: the allocator may call proxy_log, fd_write, clock_time_get, poll_oneoff and nothing else: the VM is failed",
    ],
  },
  {
    says: "Timers run in every VM that sets them, also on the main thread.",
    tests: ["Timers: set in configure it ticks in every VM: on the main thread and on the worker"],
  },
];
