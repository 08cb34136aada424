import { WireError } from '../../errors/errors.ts';

/** SFTP, version 3 (draft-ietf-secsh-filexfer-02, 3); the names are the draft's. */
export const packetTypes = {
  INIT: 1,
  VERSION: 2,
  OPEN: 3,
  CLOSE: 4,
  READ: 5,
  WRITE: 6,
  LSTAT: 7,
  FSTAT: 8,
  SETSTAT: 9,
  FSETSTAT: 10,
  OPENDIR: 11,
  READDIR: 12,
  REMOVE: 13,
  MKDIR: 14,
  RMDIR: 15,
  REALPATH: 16,
  STAT: 17,
  RENAME: 18,
  READLINK: 19,
  SYMLINK: 20,
  STATUS: 101,
  HANDLE: 102,
  DATA: 103,
  NAME: 104,
  ATTRS: 105,
  EXTENDED: 200,
  EXTENDED_REPLY: 201,
} as const;

export type PacketType = keyof typeof packetTypes;

/** Status codes (7). */
export const statusCodes = { OK: 0, EOF: 1, PERMISSION_DENIED: 3, FAILURE: 4, OP_UNSUPPORTED: 8 } as const;

/** `pflags` of OPEN (6.3). */
export const openFlags = { READ: 1, WRITE: 2, APPEND: 4, CREAT: 8, TRUNC: 16, EXCL: 32 } as const;

/** OpenSSH's servers and clients send no longer ones. */
export const MAX_PACKET_BYTES = 256 * 1024;
/** A handle (4). */
export const MAX_HANDLE_BYTES = 256;

const names = Object.fromEntries(Object.entries(packetTypes).map(([name, type]) => [type, name])) as Readonly<
  Record<number, PacketType>
>;

/** A packet without bulk: `body` is what follows the type, `raw` all of it. */
export interface Packet {
  readonly kind: 'packet';
  readonly type: PacketType | undefined;
  readonly code: number;
  readonly body: Buffer;
  readonly raw: Buffer;
}

/** The beginning of a WRITE or DATA: its bulk comes in parts. `raw` is all before the bulk. */
export interface BulkHead {
  readonly kind: 'bulk';
  readonly type: 'WRITE' | 'DATA';
  readonly body: Buffer;
  readonly bulkBytes: number;
  readonly raw: Buffer;
}

export interface BulkPart {
  readonly kind: 'part';
  readonly raw: Buffer;
}

export type Piece = Packet | BulkHead | BulkPart;

const nothing = Buffer.alloc(0);
const malformed = (text: string): WireError => new WireError('ERR_WIRE_MALFORMED', `SFTP: ${text}.`);

/** Cuts one direction of an SFTP session into packets, wherever it was cut before. What is read or written is never held. */
export class PacketCutter {
  #held: Buffer = nothing;
  /** Of a bulk that is passing. */
  #left = 0;

  /** @throws WireError */
  cut(chunk: Buffer): Piece[] {
    const pieces: Piece[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (this.#left > 0) {
        const end = Math.min(chunk.length, at + this.#left);
        this.#left -= end - at;
        pieces.push({ kind: 'part', raw: chunk.subarray(at, end) });
        at = end;
      } else at = this.#take(chunk, at, pieces);
    }
    return pieces;
  }

  #take(chunk: Buffer, at: number, pieces: Piece[]): number {
    const wanted = wantedOf(this.#held.length === 0 ? chunk.subarray(at) : this.#held);
    const taken = Math.min(chunk.length - at, wanted - this.#held.length);
    const next = chunk.subarray(at, at + taken);
    const all = this.#held.length === 0 ? next : Buffer.concat([this.#held, next]);
    this.#held = all;
    // More may be known of its length by now.
    if (all.length < wanted || wantedOf(all) > all.length) return at + taken;
    this.#held = nothing;
    const piece = pieceOf(all);
    if (piece.kind === 'bulk') this.#left = piece.bulkBytes;
    pieces.push(piece);
    return at + taken;
  }
}

/** How many bytes are needed to know more: the length, the type, what stands before a bulk, or all. */
function wantedOf(bytes: Buffer): number {
  if (bytes.length < 5) return 5;
  const length = bytes.readUInt32BE(0);
  if (length < 1 || length > MAX_PACKET_BYTES) throw malformed(`a packet of ${length} bytes`);
  const type = bytes[4];
  const end = 4 + length;
  if (type === packetTypes.DATA) return bounded(5 + 4 + 4, end);
  if (type !== packetTypes.WRITE) return end;
  const handleAt = 5 + 4;
  if (bytes.length < handleAt + 4) return bounded(handleAt + 4, end);
  const handle = bytes.readUInt32BE(handleAt);
  if (handle > MAX_HANDLE_BYTES) throw malformed(`a handle of ${handle} bytes`);
  return bounded(handleAt + 4 + handle + 8 + 4, end);
}

function bounded(wanted: number, end: number): number {
  if (wanted > end) throw malformed('a packet that ends too early');
  return wanted;
}

function pieceOf(raw: Buffer): Packet | BulkHead {
  const code = raw[4] as number;
  const type = names[code];
  const body = raw.subarray(5);
  if (type !== 'WRITE' && type !== 'DATA') return { kind: 'packet', type, code, body, raw };
  const bulkBytes = raw.readUInt32BE(raw.length - 4);
  if (4 + raw.readUInt32BE(0) !== raw.length + bulkBytes) throw malformed('a bulk of another length than its packet’s');
  return { kind: 'bulk', type, body, bulkBytes, raw };
}

/** Reads a packet's fields in order (3, 5). */
export class FieldReader {
  readonly #body: Buffer;
  #at = 0;

  constructor(body: Buffer) {
    this.#body = body;
  }

  uint32(): number {
    this.#need(4);
    this.#at += 4;
    return this.#body.readUInt32BE(this.#at - 4);
  }

  uint64(): bigint {
    this.#need(8);
    this.#at += 8;
    return this.#body.readBigUInt64BE(this.#at - 8);
  }

  bytes(): Buffer {
    const length = this.uint32();
    this.#need(length);
    this.#at += length;
    return this.#body.subarray(this.#at - length, this.#at);
  }

  get isAtEnd(): boolean {
    return this.#at === this.#body.length;
  }

  #need(length: number): void {
    if (this.#at + length > this.#body.length) throw malformed('a packet that ends too early');
  }
}

const field = (bytes: Uint8Array): Buffer => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
};

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

/** A whole packet of a type with these bytes behind it. */
export const packet = (type: PacketType, ...parts: readonly Uint8Array[]): Buffer =>
  field(Buffer.concat([Buffer.of(packetTypes[type]), ...parts]));

export const statusPacket = (id: number, code: number, message: string): Buffer =>
  packet('STATUS', uint32(id), uint32(code), field(Buffer.from(message)), field(Buffer.from('en')));

/** A VERSION with these of its extensions only. @throws WireError */
export function versionPacket(body: Buffer, keeps: (name: string) => boolean): Buffer {
  const reader = new FieldReader(body);
  const parts: Buffer[] = [uint32(reader.uint32())];
  while (!reader.isAtEnd) {
    const [name, data] = [reader.bytes(), reader.bytes()];
    if (keeps(name.toString('latin1'))) parts.push(field(name), field(data));
  }
  return packet('VERSION', ...parts);
}
