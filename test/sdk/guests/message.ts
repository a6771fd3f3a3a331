/** Protobuf messages as plain exports, for @assemblyscript/loader; bytes are one character each. */
import { Bytes } from "../../../sdk/memory/bytes";
import { MessageReader, MessageWriter, WireType } from "../../../sdk/memory/message";
import { numberText } from "../../../sdk/memory/number-text";

function bytesOf(text: string): Bytes {
  const buffer = new ArrayBuffer(text.length);
  for (let i = 0; i < text.length; i++) store<u8>(changetype<usize>(buffer) + <usize>i, text.charCodeAt(i));
  return Bytes.view(buffer);
}

function latin1(bytes: Bytes): string {
  const codes: i32[] = [];
  for (let i = 0; i < bytes.length; i++) codes.push(bytes.at(i));
  return String.fromCharCodes(codes);
}

/** Every field read and written again; "failed" when the message is wrong. */
export function copied(message: string): string {
  const reader = new MessageReader(bytesOf(message));
  const writer = new MessageWriter();
  while (reader.next()) {
    if (reader.type == WireType.Varint) writer.int(reader.field, reader.int, true);
    else if (reader.type == WireType.Fixed64) writer.double(reader.field, reader.double, true);
    else if (reader.type == WireType.Bytes) writer.bytes(reader.field, reader.bytes, true);
  }
  return reader.failed ? "failed" : latin1(writer.finish());
}

/** A message with every kind of field, defaults left out. */
export function written(text: string, number: i64, yes: bool, real: f64): string {
  return latin1(new MessageWriter().text(1, text).int(2, number).bool(3, yes).double(300, real).finish());
}

export function numeral(value: f64): string {
  return numberText(value);
}
