import type { Party } from '@sallyport/shared/access/principal.ts';
import { Unavailable } from '@sallyport/shared/errors/errors.ts';

/*
 * A recording is MAGIC, then frames. Each frame is a head of 19 bytes and its payload, big-endian:
 *   u32 payload length · u8 kind · u48 µs since the start · u32 CRC-32 of those 11 bytes · u32 CRC-32 of them and the payload
 * The first frame is the header. The head has a checksum of its own so that a length is never believed unchecked.
 */

/** Seven letters and the version of the format. */
export const MAGIC = Buffer.from('SALLYRC\x01', 'latin1');

export const HEAD_BYTES = 19;

/** Largest payload of a frame, in bytes: what a length word may claim. */
export const MAX_PAYLOAD_BYTES = 0x1fff_ffff;

/** `request`: JSON of what was asked and let through; `reply`: bytes that the client got; `note`: JSON of what happened around them. */
export type EntryKind = 'request' | 'reply' | 'note';

/** `header` is the first frame and `end` the last one of a recording that was closed: both JSON. */
export type FrameKind = EntryKind | 'header' | 'end';

const codes: Readonly<Record<FrameKind, number>> = { header: 0x68, request: 0x71, reply: 0x72, note: 0x6e, end: 0x65 };
const kinds = new Map(Object.entries(codes).map(([kind, code]) => [code, kind as FrameKind]));

/** What a recording is of. */
export interface RecordingHeader {
  readonly sessionId: string;
  readonly connection: string;
  readonly protocol: string;
  readonly principal: Party;
  /** Milliseconds since the epoch; times of entries count from here. */
  readonly startedAt: number;
}

/** How a recording was closed. */
export interface RecordingEnd {
  readonly why: string;
  /** Bytes of replies that were counted and not kept, because the recording had reached its cap. */
  readonly droppedReplyBytes: number;
}

export interface Entry {
  readonly kind: EntryKind;
  /** Since the header's `startedAt`. */
  readonly timeUs: number;
  readonly payload: Buffer;
}

/** Bytes of a recording are not what was written: a disk or a hand changed them. */
export class RecordingDamaged extends Unavailable {
  /** Of the frame, from the start of the file. */
  readonly offsetBytes: number;

  constructor(path: string, offsetBytes: number, what: string) {
    super('recording', 'ERR_RECORDING_DAMAGED', `the recording ${path} is damaged at byte ${offsetBytes}: ${what}`);
    this.offsetBytes = offsetBytes;
  }
}

const table = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

/** CRC-32 of the 11 bytes at `at`; a call out of JavaScript costs more than these few steps. */
export function headChecksum(bytes: Buffer, at: number): number {
  let crc = -1;
  for (let i = at; i < at + 11; i++) crc = table[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** Writes a head at the front of `into`, but for the checksum over the payload; returns what that one starts from. */
export function writeHead(into: Buffer, kind: FrameKind, lengthBytes: number, timeUs: number): number {
  into.writeUInt32BE(lengthBytes, 0);
  into[4] = codes[kind];
  into.writeUIntBE(timeUs, 5, 6);
  const checksum = headChecksum(into, 0);
  into.writeUInt32BE(checksum, 11);
  return checksum;
}

export interface Head {
  readonly kind: FrameKind;
  readonly lengthBytes: number;
  readonly timeUs: number;
  readonly headChecksum: number;
  readonly checksum: number;
}

/** The head at `at`; undefined where its bytes do not belong together. */
export function readHead(bytes: Buffer, at: number): Head | undefined {
  const checksum = headChecksum(bytes, at);
  const kind = kinds.get(bytes[at + 4]!);
  const lengthBytes = bytes.readUInt32BE(at);
  if (checksum !== bytes.readUInt32BE(at + 11) || kind === undefined || lengthBytes > MAX_PAYLOAD_BYTES)
    return undefined;
  const timeUs = bytes.readUIntBE(at + 5, 6);
  return { kind, lengthBytes, timeUs, headChecksum: checksum, checksum: bytes.readUInt32BE(at + 15) };
}
