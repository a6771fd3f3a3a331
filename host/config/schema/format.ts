import * as z from "zod";
import { FormatError } from "../../formatter/format-error";
import { headerFormat } from "../../formatter/header-format";
import { textFormat } from "../../formatter/text-format";

/** Says what is wrong with a format, and where in it. */
const readable = (read: (text: string) => unknown) =>
  z.check<string>(({ value, issues }) => {
    try {
      read(value);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      const where = error.position === undefined ? "" : ` (at byte ${error.position} of the format)`;
      issues.push({ code: "custom", message: `${error.message}${where}`, input: value });
    }
  });

/** Text with `%OPERATORS%`. */
export const formatText = readable(textFormat);
/** The same for the value of a header. */
export const headerFormatText = readable(headerFormat);
