/** Bytes as the puppet guest logs them, and as its scripts take them: printable ASCII as it stands, the rest `%XX`. */
export function percent(bytes: Buffer | string): string {
  return [...Buffer.from(bytes as string)]
    .map((byte) =>
      byte >= 0x20 && byte <= 0x7e && byte !== 0x25 && byte !== 0x7c
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`,
    )
    .join("");
}

/** A token of a puppet script: no blanks, and never empty. */
export function token(bytes: Buffer | string): string {
  return bytes.length === 0 ? "''" : percent(bytes).replaceAll(" ", "%20");
}

/** The bytes that {@link percent} wrote. */
export function unpercent(text: string): Buffer {
  const decoded = text.replaceAll(/%(..)/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(decoded, "latin1");
}

/** Pairs as the ABI encodes them. */
export function pairBytes(...pairs: (readonly [key: Buffer | string, value: Buffer | string])[]): Buffer {
  const entries = pairs.map(
    ([key, value]) => [Buffer.from(key as string), Buffer.from(value as string)] as const,
  );
  const head = Buffer.alloc(4 + entries.length * 8);
  head.writeUInt32LE(entries.length, 0);
  for (const [i, [key, value]] of entries.entries()) {
    head.writeUInt32LE(key.length, 4 + i * 8);
    head.writeUInt32LE(value.length, 8 + i * 8);
  }
  const NUL = Buffer.alloc(1);
  return Buffer.concat([head, ...entries.flatMap(([key, value]) => [key, NUL, value, NUL])]);
}

export function double(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes;
}

export function int64(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(value));
  return bytes;
}
