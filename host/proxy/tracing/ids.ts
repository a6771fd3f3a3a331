import { randomBytes } from "node:crypto";

/** A new id that is not zero. */
export function newId(bytes: 8 | 16): string {
  for (;;) {
    const id = randomBytes(bytes).toString("hex");
    if (!/^0*$/.test(id)) return id;
  }
}
