import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { type Entry, EntrySchema } from '@sallyport/proto/tunnel/v1/tunnel_pb';
import { WireError } from '../errors/errors.ts';

/** One entry on its way out: data that is framed by hand, or an `Entry` that is encoded already. */
export interface Part {
  readonly exchange: number;
  readonly bytes: Uint8Array;
  readonly isData: boolean;
}

export type ControlKind = NonNullable<MessageInitShape<typeof EntrySchema>['kind']>;

export interface PacketSink {
  onData(exchange: number, bytes: Buffer): void;
  onControl(exchange: number, kind: Entry['kind']): void;
}

const entriesTag = 0x0a;
const exchangeTag = 0x08;
const dataTag = 0x12;

/** A control entry, by protobuf-es: rare, so clarity before speed. */
export function controlPart(exchange: number, kind: ControlKind): Part {
  return { exchange, bytes: toBinary(EntrySchema, create(EntrySchema, { exchange, kind })), isData: false };
}

function varintSize(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x200000) return 3;
  return value < 0x10000000 ? 4 : 5;
}

function entrySize(part: Part): number {
  const size = part.bytes.length;
  if (!part.isData) return size;
  return 1 + varintSize(part.exchange) + 1 + varintSize(size) + size;
}

/**
 * A `Packet` of the schema in one buffer, from `allocate` or of its own. Data entries are framed by hand: 10 times
 * cheaper than by reflection.
 */
export function encodePacket(
  parts: readonly Part[],
  allocate: (lengthBytes: number) => Buffer = Buffer.allocUnsafe,
): Buffer {
  let total = 0;
  for (const part of parts) {
    const size = entrySize(part);
    total += 1 + varintSize(size) + size;
  }
  const out = allocate(total);
  let at = 0;
  const putVarint = (value: number): void => {
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 128)) out[at++] = (rest & 0x7f) | 0x80;
    out[at++] = rest;
  };
  for (const part of parts) {
    out[at++] = entriesTag;
    putVarint(entrySize(part));
    if (part.isData) {
      out[at++] = exchangeTag;
      putVarint(part.exchange);
      out[at++] = dataTag;
      putVarint(part.bytes.length);
    }
    out.set(part.bytes, at);
    at += part.bytes.length;
  }
  return out;
}

/** Reads varints from one buffer. */
class Cursor {
  at: number;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes;
    this.at = at;
  }

  varint(): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 28; scale *= 128) {
      const byte = this.#bytes[this.at++];
      if (byte === undefined) break;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw malformed(this.at);
  }
}

function malformed(offsetBytes: number): WireError {
  return new WireError('ERR_WIRE_MALFORMED', 'A tunnel packet could not be read.', { offsetBytes });
}

/**
 * Hands out a packet's entries in order; data as windows on `packet`, without a copy.
 * @throws WireError `ERR_WIRE_MALFORMED`
 */
export function decodePacket(packet: Buffer, sink: PacketSink): void {
  const cursor = new Cursor(packet);
  while (cursor.at < packet.length) {
    if (packet[cursor.at++] !== entriesTag) throw malformed(cursor.at - 1);
    const size = cursor.varint();
    const end = cursor.at + size;
    if (end > packet.length) throw malformed(cursor.at);
    decodeEntry(packet, cursor, end, sink);
    cursor.at = end;
  }
}

function decodeEntry(packet: Buffer, cursor: Cursor, end: number, sink: PacketSink): void {
  const start = cursor.at;
  if (packet[cursor.at] === exchangeTag) {
    cursor.at++;
    const exchange = cursor.varint();
    if (cursor.at < end && packet[cursor.at] === dataTag) {
      cursor.at++;
      const size = cursor.varint();
      if (cursor.at + size === end) return sink.onData(exchange, packet.subarray(cursor.at, end));
    }
  }
  const entry = control(packet.subarray(start, end), start);
  if (entry.kind.case === 'data') sink.onData(entry.exchange, Buffer.from(entry.kind.value));
  else sink.onControl(entry.exchange, entry.kind);
}

function control(bytes: Buffer, offsetBytes: number): Entry {
  try {
    return fromBinary(EntrySchema, bytes);
  } catch {
    throw malformed(offsetBytes);
  }
}
