import type { FieldPath } from "../path";

export type Json = Record<string, unknown>;

/** A field that cannot be translated; the path begins at the filter's message. */
export interface Problem {
  path: FieldPath;
  message: string;
}

export interface Translation {
  configuration: Json;
  problems: Problem[];
}
