import { LABEL_NAMES } from "./labels";

/** What is wrong with a tag's name; "" = nothing. */
export function tagNameError(name: string): string {
  if (!isName(name)) return "expected a name of letters, digits and _";
  const other = overlap(name);
  // Proxies look for `name=.=` in a metric's name: the shorter one would be found inside the longer.
  return other == "" ? "" : `one of ${name} and ${other} ends like the other: they cannot be told apart`;
}

function isName(name: string): bool {
  for (let i = 0; i < name.length; i++) {
    const c = name.charCodeAt(i);
    const isLetter = (c | 32) >= 97 && (c | 32) <= 122;
    if (!isLetter && c != 95 && (c < 48 || c > 57 || i == 0)) return false;
  }
  return name != "";
}

/** A standard label that ends with this name, or with which it ends; "" = none. */
function overlap(name: string): string {
  for (let i = 0; i < LABEL_NAMES.length; i++) {
    const other = LABEL_NAMES[i];
    if (name != other && (name.endsWith(other) || other.endsWith(name))) return other;
  }
  return "";
}
