/**
 * Reads the protobuf wire format by a schema, and refuses what the schema does not know. Enough of proto3 for OTLP:
 * varint, 64-bit, length-delimited and 32-bit fields; a message is an object with one array per field name.
 */
export type FieldKind = 'varint' | 'fixed64' | 'fixed32' | 'double' | 'string' | 'bytes' | Schema;

/** Field number -> name and kind. */
export interface Schema {
  [field: number]: readonly [name: string, kind: FieldKind | (() => Schema)];
}

export type Decoded = Record<string, unknown[]>;

const WIRE: Record<string, number> = { varint: 0, fixed64: 1, double: 1, string: 2, bytes: 2, fixed32: 5 };
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Decodes a whole message. Throws on unknown fields, wrong wire types, torn lengths and text that is no UTF-8. */
export function decodeProtobuf(bytes: Buffer, schema: Schema): Decoded {
  const message: Decoded = {};
  let at = 0;

  function varint(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      if (at >= bytes.length || shift > 63n) throw new Error(`torn varint at ${at}`);
      const byte = bytes[at++]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
  }
  function take(length: number): Buffer {
    if (at + length > bytes.length) throw new Error(`field of ${length} bytes at ${at} goes over the end`);
    at += length;
    return bytes.subarray(at - length, at);
  }

  while (at < bytes.length) {
    const tag = Number(varint());
    const [field, wire] = [tag >> 3, tag & 7];
    const known = schema[field];
    if (!known) throw new Error(`field ${field} is not in the schema`);
    const [name, given] = known;
    const kind = typeof given === 'function' ? given() : given;
    const want = typeof kind === 'string' ? WIRE[kind] : 2;
    if (wire !== want) throw new Error(`${name} has wire type ${wire}, not ${want}`);
    (message[name] ??= []).push(read(kind));
  }
  return message;

  function read(kind: FieldKind): unknown {
    if (typeof kind !== 'string') return decodeProtobuf(take(Number(varint())), kind);
    if (kind === 'varint') return varint();
    if (kind === 'fixed64') return take(8).readBigUInt64LE();
    if (kind === 'double') return take(8).readDoubleLE();
    if (kind === 'fixed32') return take(4).readUInt32LE();
    const content = take(Number(varint()));
    return kind === 'bytes' ? content : utf8.decode(content);
  }
}
