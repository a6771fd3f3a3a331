import { type DescMessage, fromBinary, toJson } from "@bufbuild/protobuf";
import { StructSchema } from "@bufbuild/protobuf/wkt";
import type { PropertyValue } from "../property-values";
import { Locality, Metadata, Node } from "./core";

/** Messages whose fields properties can show, by type URL. Envoy knows all that are compiled into it. */
const KNOWN: ReadonlyMap<string, DescMessage> = new Map(
  [StructSchema, Metadata, Node, Locality].map((desc) => [`type.googleapis.com/${desc.typeName}`, desc]),
);

/** A serialized message of a known type, its bytes kept; undefined when the type is unknown or they are none of it. */
export function messageOf(typeUrl: string, bytes: Buffer): PropertyValue | undefined {
  const desc = KNOWN.get(typeUrl);
  if (!desc) return undefined;
  try {
    return { kind: "message", desc, value: toJson(desc, fromBinary(desc, bytes)) as object, bytes };
  } catch {
    return undefined;
  }
}
