/** A JSON Schema as far as the filters' use it. */
export interface Schema {
  $ref?: string;
  type?: string;
  enum?: readonly unknown[];
  description?: string;
  title?: string;
  required?: readonly string[];
  properties?: Record<string, Schema>;
  patternProperties?: Record<string, Schema>;
  additionalProperties?: boolean | Schema;
  items?: Schema;
  anyOf?: readonly Schema[];
  minimum?: number;
  maximum?: number;
  $defs?: Record<string, Schema>;
}

/** Tables of every field: one for the root, one for each object that has a name. */
export function fieldTables(filter: string, root: Schema): string {
  const defs = Object.entries(root.$defs ?? {}).filter(([, schema]) => objectsOf(schema).length > 0);
  const tables = defs.map(([name, schema]) => section(`## ${name}`, schema));
  return [
    `# Fields of the configuration of ${filter}`,
    "Made from [schema.json](schema.json): `UPDATE_DOCS=1 npx vitest run --project unit test/filters/schema-docs.test.ts`.",
    section("", root),
    ...tables,
    "",
  ].join("\n\n");
}

function section(heading: string, schema: Schema): string {
  const objects = objectsOf(schema);
  const always = (name: string) => objects.every(({ required }) => required?.includes(name));
  const choices = new Set(objects.flatMap(({ required }) => required ?? []).filter((name) => !always(name)));
  const choice = choices.size > 0 ? `One of ${[...choices].map((name) => `\`${name}\``).join(", ")}.` : "";
  const rows = objects.flatMap((object) =>
    rowsOf({ ...object, required: object.required?.filter(always) ?? [] }, ""),
  );
  // Alternatives share most of their fields.
  const table = ["| field | value | says |", "| --- | --- | --- |", ...new Set(rows)].join("\n");
  return [heading, schema.description ?? "", choice, table].filter((part) => part !== "").join("\n\n");
}

/** The objects among what a schema allows. */
function objectsOf(schema: Schema): Schema[] {
  if (schema.properties) return [schema];
  return (schema.anyOf ?? []).flatMap((each) => objectsOf(each));
}

function rowsOf(object: Schema, prefix: string): string[] {
  const fields = [
    ...Object.entries(object.properties ?? {}).map(([name, schema]) => [name, schema] as const),
    ...Object.entries(object.patternProperties ?? {}).map(
      ([pattern, schema]) => [`/${pattern}/`, schema] as const,
    ),
  ];
  return fields.flatMap(([name, schema]) => {
    const required = object.required?.includes(name) ? ", required" : "";
    const says = (schema.description ?? "").replaceAll("|", "\\|");
    const path = prefix + name;
    const row = `| \`${path.replaceAll("|", "\\|")}\` | ${typeOf(schema)}${required} | ${says} |`;
    return [row, ...objectsOf(schema).flatMap((inner) => rowsOf(inner, `${path}.`))];
  });
}

function typeOf(schema: Schema): string {
  if (schema.$ref) {
    const name = schema.$ref.split("/").at(-1)!;
    return `[${name}](#${name.toLowerCase()})`;
  }
  if (schema.enum) return schema.enum.map((value) => `\`${value}\``).join(", ");
  if (schema.anyOf) return [...new Set(schema.anyOf.map(typeOf))].join(" or ");
  if (schema.type === "array") return `list of ${schema.items ? typeOf(schema.items) : "anything"}`;
  if (schema.type === "object") {
    const values = schema.additionalProperties;
    return typeof values === "object" ? `object of ${typeOf(values)}` : "object";
  }
  const { minimum, maximum } = schema;
  if (minimum !== undefined && maximum !== undefined) return `${schema.type} ${minimum} to ${maximum}`;
  return schema.type ?? "anything";
}
