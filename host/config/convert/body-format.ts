import type * as z from "zod";
import { DEFAULT_FORMAT } from "../../formatter/default-format";
import { jsonFormat } from "../../formatter/json-format";
import { type Format, textFormat } from "../../formatter/text-format";
import type { BodyFormat } from "../model";
import type { formatString } from "../schema/format";

type RawFormat = z.output<typeof formatString>;

/** `SubstitutionFormatString`; without one the default format of logs. */
export function formatOf(raw: RawFormat | undefined): Format {
  const omitEmpty = raw?.omit_empty_values ?? false;
  if (raw?.json_format) return jsonFormat(raw.json_format, omitEmpty);
  const text = raw?.text_format_source ? raw.text_format_source.inline_string : raw?.text_format;
  return textFormat(text ?? DEFAULT_FORMAT, omitEmpty ? "" : "-");
}

/** JSON says what it is, unless the file knows better. */
export function bodyFormat(raw: RawFormat | undefined): BodyFormat | undefined {
  if (!raw) return undefined;
  const usual = raw.json_format ? "application/json" : "text/plain";
  return { format: formatOf(raw), contentType: raw.content_type || usual };
}
