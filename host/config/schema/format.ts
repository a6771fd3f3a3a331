import * as z from "zod";
import { FormatError } from "../../formatter/format-error";
import { headerFormat } from "../../formatter/header-format";
import { jsonFormat } from "../../formatter/json-format";
import { textFormat } from "../../formatter/text-format";
import { message, oneOf } from "./message";
import { bool, headerValue, struct, text } from "./scalars";

/** Says what is wrong with a format, and where in it. */
const readable = <T>(read: (value: T) => unknown) =>
  z.check<T>(({ value, issues }) => {
    try {
      read(value);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      const where = error.position === undefined ? "" : ` (at byte ${error.position} of the format)`;
      issues.push({
        code: "custom",
        message: `${error.message}${where}`,
        path: [...error.path],
        input: value,
      });
    }
  });

/** Text with `%OPERATORS%`. */
export const formatText = text.check(readable((value: string) => textFormat(value))).meta({ type: "string" });
/** The same for the value of a header. */
export const headerFormatText = headerValue.check(readable(headerFormat)).meta({ type: "string" });
/** A map of such texts, nested as it likes. */
export const formatMap = struct
  .check(readable((fields: object) => jsonFormat(fields, false)))
  .meta({ type: "struct" });

const textSource = message({ inline_string: formatText }, {});

const FORMS = { text_format: formatText, json_format: formatMap, text_format_source: textSource };

/** `SubstitutionFormatString` */
export const formatString = message(
  {},
  { ...FORMS, omit_empty_values: bool, content_type: headerValue },
).check(oneOf(Object.keys(FORMS), "required"));
