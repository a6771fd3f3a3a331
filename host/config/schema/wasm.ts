import * as z from "zod";
import { message, oneOf, rule, typed } from "./message";
import { bool, bytes, durationWithin, enumeration, requiredText, struct, text } from "./scalars";

const WRAPPER = "google.protobuf";

/** What a plugin or VM is configured with: text, bytes, or plain YAML as a Struct. */
export const anyValue = z.discriminatedUnion(
  "@type",
  [
    typed(`${WRAPPER}.StringValue`, {}, { value: text }),
    typed(`${WRAPPER}.BytesValue`, {}, { value: bytes }),
    typed(`${WRAPPER}.Struct`, {}, { value: struct }),
  ],
  {
    error: ({ input }) => {
      const type =
        typeof input === "object" && input !== null ? (input as Record<string, unknown>)["@type"] : undefined;
      return type === undefined
        ? '"@type" is missing; use type.googleapis.com/google.protobuf.StringValue, BytesValue or Struct'
        : `unknown @type ${JSON.stringify(type)}; supported: google.protobuf.StringValue, BytesValue, Struct`;
    },
  },
);

/** A variable has one value: named twice, Envoy refuses it. */
const oneEach = rule<{ host_env_keys?: unknown; key_values?: unknown }>((value, fail) => {
  const seen = new Set(typeof value.key_values === "object" ? Object.keys(value.key_values ?? {}) : []);
  for (const [i, name] of (Array.isArray(value.host_env_keys) ? value.host_env_keys : []).entries()) {
    if (seen.has(name)) fail(`the variable ${name} is set twice`, ["host_env_keys", i]);
    seen.add(name);
  }
});

const vmConfig = message(
  {
    code: message(
      {
        local: message({}, { filename: requiredText, inline_bytes: bytes, inline_string: text }).check(
          oneOf(["filename", "inline_bytes", "inline_string"], "required"),
        ),
      },
      {},
    ),
  },
  {
    vm_id: text,
    runtime: z
      .enum(["", "envoy.wasm.runtime.v8"], 'must be "envoy.wasm.runtime.v8"')
      .meta({ type: "string" }),
    configuration: anyValue,
    allow_precompiled: bool,
    environment_variables: message(
      {},
      { host_env_keys: z.array(requiredText), key_values: z.record(z.string(), z.string()) },
    ).check(oneEach),
  },
);

/** `PluginConfig`. */
export const pluginConfig = message(
  { vm_config: vmConfig },
  {
    name: text,
    root_id: text,
    configuration: anyValue,
    fail_open: bool,
    failure_policy: enumeration({ 0: "UNSPECIFIED", 1: "FAIL_RELOAD", 2: "FAIL_CLOSED", 3: "FAIL_OPEN" }),
    reload_config: message(
      {},
      {
        backoff: message(
          { base_interval: durationWithin(1, Number.POSITIVE_INFINITY, "must be at least 0.001s") },
          { max_interval: durationWithin(1, Number.POSITIVE_INFINITY, "must be at least 0.001s") },
        ),
      },
    ),
    allow_on_headers_stop_iteration: bool,
    capability_restriction_config: message(
      {},
      { allowed_capabilities: z.record(z.string(), z.strictObject({})) },
    ),
  },
).check(oneOf(["fail_open", "failure_policy"], "optional"));
