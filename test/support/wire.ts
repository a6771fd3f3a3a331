/** Hand-made protobuf for tests of those who read it. */

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let left = value;
  for (; left > 127; left = Math.floor(left / 128)) bytes.push((left % 128) | 0x80);
  return Buffer.from([...bytes, left]);
}

/** A length-delimited field. */
export function field(number: number, content: Buffer | string): Buffer {
  const bytes = Buffer.from(content as string);
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);
}

/** A varint field: bool, enum, uint32. */
export function number(number: number, value: number): Buffer {
  return Buffer.concat([varint(number * 8), varint(value)]);
}
