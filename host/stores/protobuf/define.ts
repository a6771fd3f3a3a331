import { create, createFileRegistry, type DescMessage } from "@bufbuild/protobuf";
import {
  type DescriptorProto,
  DescriptorProtoSchema,
  FieldDescriptorProtoSchema,
  FileDescriptorProtoSchema,
  file_google_protobuf_any,
  file_google_protobuf_struct,
  FieldDescriptorProto_Label as Label,
  MessageOptionsSchema,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";

/** Fields of a message: `name: [number, type]`. */
export type Fields = Readonly<Record<string, readonly [number: number, type: string]>>;

const SCALARS: Readonly<Record<string, Type>> = {
  string: Type.STRING,
  bytes: Type.BYTES,
  bool: Type.BOOL,
  uint32: Type.UINT32,
  int32: Type.INT32,
  fixed32: Type.FIXED32,
  fixed64: Type.FIXED64,
};

const IMPORTS = [file_google_protobuf_struct, file_google_protobuf_any];

/**
 * Message descriptors from a table, built when the program runs: a few small messages need no code generator.
 * Types are written as in a .proto file: a scalar, a message of the same table, a full name of google.protobuf,
 * `T[]` for repeated, `map<string, T>`. Enums are their numbers: `int32`.
 *
 * @example const { Locality } = defineMessages("envoy.config.core.v3", { Locality: { region: [1, "string"] } });
 */
export function defineMessages<N extends string>(
  packageName: string,
  messages: Readonly<Record<N, Fields>>,
): Readonly<Record<N, DescMessage>> {
  const file = create(FileDescriptorProtoSchema, {
    name: `${packageName}.proto`,
    package: packageName,
    syntax: "proto3",
    dependency: IMPORTS.map((imported) => imported.proto.name),
    messageType: Object.entries<Fields>(messages).map(([name, fields]) =>
      messageProto(packageName, name, fields),
    ),
  });
  const registry = createFileRegistry(file, (name) => IMPORTS.find(({ proto }) => proto.name === name));
  const found = Object.keys(messages).map((name) => [name, registry.getMessage(`${packageName}.${name}`)!]);
  return Object.fromEntries(found) as Record<N, DescMessage>;
}

function messageProto(packageName: string, name: string, fields: Fields): DescriptorProto {
  const nested: DescriptorProto[] = [];
  const field = Object.entries(fields).map(([fieldName, [number, type]]) => {
    const map = /^map<string, (.*)>$/.exec(type);
    if (!map) return fieldProto(packageName, fieldName, number, type);
    // On the wire a map is a list of entries, each a message of its own.
    const entry = `${fieldName}_entry`.replaceAll(/(?:^|_)(\w)/g, (_, letter) => letter.toUpperCase());
    const entryFields = { key: [1, "string"], value: [2, map[1]!] } as const;
    const proto = messageProto(packageName, entry, entryFields);
    proto.options = create(MessageOptionsSchema, { mapEntry: true });
    nested.push(proto);
    return fieldProto(packageName, fieldName, number, `${name}.${entry}[]`);
  });
  return create(DescriptorProtoSchema, { name, field, nestedType: nested });
}

function fieldProto(packageName: string, name: string, number: number, type: string) {
  const repeated = type.endsWith("[]");
  const single = repeated ? type.slice(0, -2) : type;
  const scalar = SCALARS[single];
  const typeName = single.startsWith("google.") ? `.${single}` : `.${packageName}.${single}`;
  return create(FieldDescriptorProtoSchema, {
    name,
    number,
    label: repeated ? Label.REPEATED : Label.OPTIONAL,
    type: scalar ?? Type.MESSAGE,
    ...(scalar === undefined && { typeName }),
    jsonName: name.replaceAll(/_(\w)/g, (_, letter) => letter.toUpperCase()),
  });
}
