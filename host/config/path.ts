/** A field's place in the file: `["static_resources", "listeners", 0]`. */
export type FieldPath = readonly (string | number)[];

const NAME = /^[A-Za-z_@][A-Za-z0-9_@]*$/;

/** `static_resources.listeners[0].address`, keys that are no names in quotes: `["a.b"]`. */
export function formatPath(path: FieldPath): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else if (NAME.test(part)) text += text === "" ? part : `.${part}`;
    else text += `[${JSON.stringify(part)}]`;
  }
  return text;
}

const STEP = /\.?([A-Za-z_@<][A-Za-z0-9_@<]*)|\[(\d{1,9})\]|\[("(?:[^"\\]|\\.)*")\]/y;

/** Reads what {@link formatPath} writes; undefined when the text is no path. */
export function parsePath(text: string): (string | number)[] | undefined {
  const path: (string | number)[] = [];
  STEP.lastIndex = 0;
  while (STEP.lastIndex < text.length) {
    const at = STEP.lastIndex;
    const step = STEP.exec(text);
    if (!step) return undefined;
    const [whole, name, index, quoted] = step;
    if (name !== undefined && (at === 0) === whole.startsWith(".")) return undefined;
    if (name !== undefined) path.push(name);
    else if (index !== undefined) path.push(Number(index));
    else path.push(unquote(quoted!) ?? "");
  }
  return path.length > 0 ? path : undefined;
}

function unquote(text: string): string | undefined {
  try {
    return JSON.parse(text) as string;
  } catch {
    return undefined;
  }
}
