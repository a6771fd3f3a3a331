import * as z from "zod";
import type { FieldPath } from "./path";

/** What a wrapper schema wraps: optional, refined, piped. */
function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  const { def } = schema._zod as unknown as { def: { innerType?: z.core.$ZodType } };
  return def.innerType ? unwrap(def.innerType) : schema;
}

/** The alternative of a union that a value's `@type` names. */
function alternative(union: z.ZodDiscriminatedUnion, value: unknown): z.core.$ZodType | undefined {
  const type = (value as Record<string, unknown> | undefined)?.["@type"];
  const options = union.options as z.ZodObject[];
  return options.find((option) => (option.shape["@type"] as z.ZodLiteral).values.has(type as string));
}

/** The field names of the message at `path`; `value` is the file, whose `@type`s choose among messages. */
function fieldsAt(schema: z.core.$ZodType, value: unknown, path: FieldPath): string[] {
  let inner: z.core.$ZodType | undefined = unwrap(schema);
  if (inner instanceof z.ZodDiscriminatedUnion) inner = alternative(inner, value);
  if (path.length === 0) return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
  const [part, ...rest] = path;
  let next: z.core.$ZodType | undefined;
  if (inner instanceof z.ZodArray) next = inner.element as z.core.$ZodType;
  else if (inner instanceof z.ZodObject) next = inner.shape[part!] as z.core.$ZodType | undefined;
  else if (inner instanceof z.ZodRecord) next = inner.valueType as z.core.$ZodType;
  return next ? fieldsAt(next, (value as Record<string | number, unknown>)[part!], rest) : [];
}

/** Longer names are no slips of ours, and the distance below is quadratic. */
const MAX_NAME = 64;

/** Edits from `a` to `b`: a letter more, less or other, two neighbours swapped. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, before[j - 2]! + 1);
      row.push(cost);
    }
    before = last;
    last = row;
  }
  return last[b.length]!;
}

/** `http2_protocol_options` is a field of its own, no slip for `http_protocol_options`. */
function differOnlyInDigits(a: string, b: string): boolean {
  return a.replace(/\d/g, "") === b.replace(/\d/g, "");
}

/** The supported field of the same message that `field` is a near miss of. */
export function suggest(schema: z.core.$ZodType, plain: unknown, message: FieldPath, field: string): string {
  if (field.length > MAX_NAME) return "";
  const limit = field.length < 5 ? 1 : 2;
  let best = { name: "", edits: limit + 1 };
  for (const name of fieldsAt(schema, plain, message)) {
    if (Math.abs(name.length - field.length) > limit || differOnlyInDigits(name, field)) continue;
    const edits = distance(field, name);
    if (edits < best.edits) best = { name, edits };
  }
  return best.name === "" ? "" : `; did you mean ${best.name}?`;
}
