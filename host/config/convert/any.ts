import { fromJson, type JsonObject, toBinary } from "@bufbuild/protobuf";
import { StructSchema } from "@bufbuild/protobuf/wkt";

type AnyValue =
  | { "@type": `${string}.StringValue`; value?: string | undefined }
  | { "@type": `${string}.BytesValue`; value?: string | undefined }
  | { "@type": `${string}.Struct`; value?: Record<string, unknown> | undefined };

/** The bytes a guest sees of an Any: text and bytes as they are, a Struct as protobuf, nothing for an absent one. */
export function anyBytes(any: AnyValue | undefined): Buffer {
  if (!any) return Buffer.alloc(0);
  const { value } = any;
  if (typeof value === "object")
    return Buffer.from(toBinary(StructSchema, fromJson(StructSchema, value as JsonObject)));
  return Buffer.from(value ?? "", any["@type"].endsWith("BytesValue") ? "base64" : "utf8");
}
