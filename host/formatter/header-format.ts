import { type Format, textFormat } from "./text-format";

/** Older forms of two operators, which Envoy still reads in values of headers. */
const METADATA = /%(UPSTREAM|DYNAMIC)_METADATA\(\[([^\])]*)\]\)%/g;
const STATE = /%PER_REQUEST_STATE\(([^)]*)\)%/g;
const QUOTED = /"([^"]*)"/g;

/**
 * Prepares the value of a header that a configuration adds. What is not there leaves nothing behind.
 *
 * @throws FormatError
 */
export function headerFormat(value: string): Format {
  const current = value
    .replace(METADATA, (_, kind: string, path: string) => {
      const steps = Array.from(path.matchAll(QUOTED), ([, step]) => step);
      return `%${kind}_METADATA(${steps.join(":")})%`;
    })
    .replace(STATE, "%FILTER_STATE($1:PLAIN)%");
  return textFormat(current, "");
}
