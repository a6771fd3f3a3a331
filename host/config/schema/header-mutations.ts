import * as z from "zod";
import { headerFormatText } from "./format";
import { message, rule } from "./message";
import { bool, enumeration, headerName } from "./scalars";

/** Envoy keeps `:path` and its like, and `host`, out of header mutations. */
const reserved = (verb: string) =>
  headerName
    .refine(
      (name) => !name.startsWith(":") && name.toLowerCase() !== "host",
      `headers that start with ":" and host may not be ${verb}`,
    )
    .meta({ type: "string" });

const oneAction = rule((value, fail) => {
  if (value.append !== undefined && value.append_action !== undefined)
    fail("append and append_action cannot both be set", ["append_action"]);
});

export const headersToAdd = z
  .array(
    message(
      { header: message({ key: reserved("modified") }, { value: headerFormatText }) },
      {
        append: bool,
        append_action: enumeration({
          0: "APPEND_IF_EXISTS_OR_ADD",
          1: "ADD_IF_ABSENT",
          2: "OVERWRITE_IF_EXISTS_OR_ADD",
          3: "OVERWRITE_IF_EXISTS",
        }),
        keep_empty_value: bool,
      },
    ).check(oneAction),
  )
  .max(1000, "must not have more than 1000 items");

const headersToRemove = z.array(reserved("removed"));

/** The four mutation lists that route configuration, virtual host and route have in common. */
export const mutations = {
  request_headers_to_add: headersToAdd,
  request_headers_to_remove: headersToRemove,
  response_headers_to_add: headersToAdd,
  response_headers_to_remove: headersToRemove,
};
