/** Header lists as node:http takes them: name, value, name, value, ... */

/** Removes a name and its value from a flat list. */
export function dropPair(flat: string[], name: string): void {
  for (let i = flat.length - 2; i >= 0; i -= 2) if (flat[i] === name) flat.splice(i, 2);
}
