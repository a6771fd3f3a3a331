import type { HeaderMap } from "../../stores/header-map";
import { fieldName } from "./field-names";

const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** A header cannot go on the wire; `message` names it. */
export class UnwritableHeader extends Error {}

/** True when a value has no byte that would end its line, or that no field may have. */
export function isWritable(value: string): boolean {
  return VALUE.test(value);
}

/** The lines of trailers. */
export function trailerLines(trailers: HeaderMap): string {
  let text = "";
  for (let i = 0; i < trailers.size; i++) text += line(trailers.nameAt(i), trailers.valueAt(i));
  return text;
}

/** How a header's name is written. */
export type NameFormat = (name: string) => string;

/** One field; throws UnwritableHeader when it is none. */
export function line(name: string, value: string, format?: NameFormat): string {
  if (fieldName(name) === undefined || !VALUE.test(value)) throw new UnwritableHeader(name);
  return `${format ? format(name) : name}: ${value}\r\n`;
}
