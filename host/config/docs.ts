import { z } from "zod";
import { bootstrap } from "./schema/bootstrap";

interface Row {
  path: string;
  type: string;
  required: boolean;
}

/** What a wrapper schema wraps: optional, refined, piped. */
function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  const { def } = schema._zod as unknown as { def: { innerType?: z.core.$ZodType } };
  return def.innerType ? unwrap(def.innerType) : schema;
}

function isOptional(schema: z.core.$ZodType): boolean {
  return schema instanceof z.ZodOptional;
}

function metaType(schema: z.core.$ZodType): string | undefined {
  return z.globalRegistry.get(schema as z.ZodType)?.type as string | undefined;
}

function walk(schema: z.core.$ZodType, path: string, required: boolean, rows: Row[]): void {
  const named = metaType(schema) ?? metaType(unwrap(schema));
  const inner = unwrap(schema);
  if (named) rows.push({ path, type: named, required });
  else if (inner instanceof z.ZodObject) {
    if (path !== "") rows.push({ path, type: "message", required });
    for (const [key, value] of Object.entries(inner.shape)) {
      if (key === "@type") continue;
      walk(
        value as z.core.$ZodType,
        path === "" ? key : `${path}.${key}`,
        !isOptional(value as z.core.$ZodType),
        rows,
      );
    }
  } else if (inner instanceof z.ZodArray) walk(inner.element as z.core.$ZodType, `${path}[]`, required, rows);
  else if (inner instanceof z.ZodDiscriminatedUnion) {
    for (const option of inner.options as z.ZodObject[]) {
      const literal = option.shape["@type"] as z.ZodLiteral;
      const type = String([...literal.values][0]).replace("type.googleapis.com/", "");
      rows.push({ path, type: `\`${type}\``, required });
      for (const [key, value] of Object.entries(option.shape)) {
        if (key !== "@type")
          walk(value as z.core.$ZodType, `${path}.${key}`, !isOptional(value as z.core.$ZodType), rows);
      }
    }
  } else if (inner instanceof z.ZodRecord && unwrap(inner.valueType) instanceof z.ZodDiscriminatedUnion)
    walk(inner.valueType, `${path}.*`, false, rows);
  else rows.push({ path, type: inner instanceof z.ZodRecord ? "map" : "string", required });
}

/** Every field of the bootstrap the Node engine reads, as a Markdown table; docs/configuration.md holds it. */
export function configurationTable(): string {
  const rows: Row[] = [];
  walk(bootstrap, "", true, rows);
  const lines = rows.map(
    ({ path, type, required }) => `| \`${path}\` | ${type} | ${required ? "yes" : ""} |`,
  );
  return ["| field | type | required |", "| --- | --- | --- |", ...lines].join("\n");
}
