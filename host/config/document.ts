import type * as z from "zod";
import { ConfigError } from "../errors";
import { byPosition, readIssues } from "./issues";
import { readSource, toPlain } from "./yaml";

/**
 * Reads a YAML or JSON document that is not a bootstrap, by a schema of its own, with the same scalars and the same kind of
 * errors. Throws {@link ConfigError} with everything wrong at once.
 */
export function readDocument<T>(text: string, file: string, schema: z.ZodType<T>): T {
  const source = readSource(text, file);
  const plain = toPlain(source);
  const { success, data, error } = schema.safeParse(plain);
  if (success) return data;
  const { errors, unsupported } = readIssues(error, source, plain, schema, "no such field");
  throw new ConfigError([...errors, ...unsupported.map(({ issue }) => issue)].sort(byPosition));
}
