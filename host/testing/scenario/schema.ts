import * as z from "zod";

const text = z.string();
/** A header's value; a list = several lines. */
const headers = z.record(text, z.union([text, z.array(text)]));
/** A list is a chunk plan. */
const body = z.union([text, z.array(text)]);
const milliseconds = z.number().min(0).max(600_000);
const status = z.number().int().min(100).max(999);

const message = { headers: headers.optional(), body: body.optional(), trailers: headers.optional() };

const response = z.strictObject({
  status: status.default(200),
  ...message,
  delay_ms: milliseconds.default(0),
});

/** What calls to a cluster get, or how they fail. */
const answer = z.union([
  response,
  z.strictObject({ failure: z.enum(["refused", "no_hosts", "reset", "cut", "timeout"]) }),
]);

/** What the app answers: with `reset` nothing, with `cut` half of it. */
const appAnswer = z.union([response, z.strictObject({ failure: z.enum(["reset", "cut"]) })]);

const plugin = z.strictObject({
  /** A `.wasm` file, or an AssemblyScript entry or folder. */
  module: text,
  name: text.optional(),
  root_id: text.optional(),
  vm_id: text.optional(),
  /** Text as it stands; anything else is handed over as JSON text. */
  configuration: z.unknown().optional(),
  failure_policy: z.enum(["FAIL_CLOSED", "FAIL_OPEN", "FAIL_RELOAD"]).optional(),
  allow_on_headers_stop_iteration: z.boolean().optional(),
});

/** `null` = must not be there. */
const expectedHeaders = z.record(text, z.union([text, z.array(text), z.null()]));

const expectedMessage = {
  headers: expectedHeaders.optional(),
  body: text.optional(),
  trailers: expectedHeaders.optional(),
};

const step = z.strictObject({
  name: text.optional(),
  request: z.strictObject({
    method: text.default("GET"),
    path: text.default("/"),
    host: text.default("example.com"),
    ...message,
  }),
  /** What the app behind the proxy answers; default 200. */
  upstream: appAnswer.optional(),
  expect: z
    .strictObject({
      status: status.optional(),
      ...expectedMessage,
      /** What the app gets; `false` = nothing. */
      forwarded: z
        .union([
          z.literal(false),
          z.strictObject({ method: text.optional(), path: text.optional(), ...expectedMessage }),
        ])
        .optional(),
    })
    .default({}),
});

/** A scenario file: plugins, what they can call, and exchanges with what is expected of each. */
export const scenario = z.strictObject({
  name: text.optional(),
  plugins: z.array(plugin).min(1, "needs at least one"),
  /** What filters' calls to each cluster get. */
  clusters: z.record(text.regex(/^[\w.|-]+$/), answer).default({}),
  steps: z.array(step).min(1, "needs at least one"),
  expect: z
    .strictObject({
      /** Each is part of some log line of a plugin. */
      logs: z.array(text).optional(),
      /** Counters and gauges by the names plugins gave them. */
      metrics: z.record(text, z.number()).optional(),
    })
    .default({}),
});

export type Scenario = z.infer<typeof scenario>;
export type Step = Scenario["steps"][number];
export type Answer = z.infer<typeof answer>;
export type HeaderTable = z.infer<typeof headers>;
export type ExpectedHeaders = z.infer<typeof expectedHeaders>;
