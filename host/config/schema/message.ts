import * as z from "zod";
import { nativeFilterHint } from "../substitute/native-filters";

/** A protobuf message: `required` fields must be there, `optional` ones may be; anything else is refused by name. */
export function message<R extends z.ZodRawShape, O extends z.ZodRawShape>(required: R, optional: O) {
  return z.strictObject({ ...required, ...z.object(optional).partial().shape });
}

/** The values of an `Any`: one message per `@type`, each with its own fields beside `@type`. */
export function typed<const T extends string, R extends z.ZodRawShape, O extends z.ZodRawShape>(
  type: T,
  required: R,
  optional: O,
) {
  return message({ "@type": z.literal(`type.googleapis.com/${type}`), ...required }, optional);
}

/** Rule of a protobuf `oneof`: never two of `names`, and one of them when `required`. */
export function oneOf(names: readonly string[], required: "required" | "optional") {
  return rule((value, fail) => {
    const set = names.filter((name) => value[name] !== undefined);
    if (set.length > 1) fail(`${set.join(" and ")} cannot both be set`, [set[1]!]);
    if (set.length === 0 && required === "required") fail(`needs one of ${names.join(", ")}`, [], "missing");
  });
}

type Fail = (message: string, path?: readonly (string | number)[], kind?: "missing") => void;

/** A check over one message that also runs when some field of it is wrong, so that everything is reported at once. */
export function rule<T = Record<string, unknown>>(
  check: (value: T, fail: Fail) => void,
): z.core.$ZodCheck<unknown> {
  const made = z.check<unknown>(({ value, issues }) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return;
    check(value as T, (message, path = [], kind) => {
      issues.push({
        code: "custom",
        message,
        path: [...path],
        input: value,
        continue: true,
        params: { kind },
      });
    });
  });
  made._zod.def.when = () => true;
  return made;
}

export function unknownType(supported: string) {
  return ({ input }: { input?: unknown }) => {
    const type =
      typeof input === "object" && input !== null ? (input as Record<string, unknown>)["@type"] : undefined;
    const hint = nativeFilterHint(type);
    if (hint !== undefined) return hint;
    return type === undefined
      ? `"@type" is missing; supported: ${supported}`
      : `unknown @type ${JSON.stringify(type)}: not supported by the node engine; supported: ${supported}`;
  };
}
