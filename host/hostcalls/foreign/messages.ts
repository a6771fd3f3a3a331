import { create, type DescMessage, fromBinary, toBinary } from "@bufbuild/protobuf";
import { defineMessages } from "../../stores/protobuf/define";

const BYTES = "bytes";
const TEXT = "string";
/** Enums are read as their numbers. */
const ENUM = "int32";

/** Arguments and results of Envoy's foreign functions (`source/extensions/common/wasm/ext/*.proto`). */
export const {
  DeclarePropertyArguments,
  SetEnvoyFilterStateArguments,
  VerifySignatureArguments,
  VerifySignatureResult,
  SignArguments,
  SignResult,
} = defineMessages("envoy.source.extensions.common.wasm", {
  DeclarePropertyArguments: {
    name: [1, TEXT],
    readonly: [2, "bool"],
    type: [3, ENUM],
    schema: [4, BYTES],
    span: [5, ENUM],
  },
  SetEnvoyFilterStateArguments: { path: [1, TEXT], value: [2, TEXT], span: [3, ENUM] },
  VerifySignatureArguments: {
    hash_function: [1, TEXT],
    public_key: [2, BYTES],
    signature: [3, BYTES],
    text: [4, BYTES],
    public_key_pem: [5, TEXT],
  },
  VerifySignatureResult: { result: [1, "bool"], error: [2, TEXT] },
  SignArguments: {
    hash_function: [1, TEXT],
    private_key: [2, BYTES],
    text: [3, BYTES],
    private_key_pem: [4, TEXT],
  },
  SignResult: { result: [1, "bool"], signature: [2, BYTES], error: [3, TEXT] },
});

/** An argument's fields under their names in camel case; undefined when it is no such message. */
export function parse<T>(desc: DescMessage, argument: Buffer): T | undefined {
  try {
    const message = fromBinary(desc, argument) as unknown as T & object;
    // Envoy refuses text that is not UTF-8; the library puts U+FFFD in its place.
    const garbled = Object.values(message).some(
      (value) => typeof value === "string" && value.includes("\uFFFD"),
    );
    return garbled ? undefined : message;
  } catch {
    return undefined;
  }
}

export function serialize(desc: DescMessage, fields: Record<string, unknown>): Buffer {
  return Buffer.from(toBinary(desc, create(desc, fields)));
}
