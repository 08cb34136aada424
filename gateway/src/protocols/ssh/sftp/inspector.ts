import type { Action } from '@sallyport/shared/access/action.ts';
import type { Denial } from '@sallyport/shared/access/verdict.ts';
import { WireError } from '@sallyport/shared/errors/errors.ts';
import {
  type BulkHead,
  FieldReader,
  type Packet,
  PacketCutter,
  type PacketType,
  type Piece,
  statusCodes,
  statusPacket,
  versionPacket,
} from '@sallyport/shared/wire/sftp/packets.ts';
import type { Transfer } from '../../protocol.ts';
import { isKnownExtension, type Operation, operationOf, setstatOf } from './operations.ts';
import { Passage } from './transfer.ts';

/** A run of what the client sent. */
export interface Asked {
  readonly bytes: Buffer;
  /** To be judged before `bytes` go on; `id` is the request's, to refuse it by. */
  readonly ask?: { readonly action: Action; readonly isLook: boolean; readonly id: number };
  /** The client is answered with this, and nothing goes on. */
  readonly answer?: Buffer;
}

interface OpenFile {
  readonly path: string;
  readonly reads: boolean;
  readonly writes: boolean;
  readonly read: Passage;
  readonly written: Passage;
}

interface Pending {
  readonly type: PacketType;
  readonly opens: Operation['opens'];
  readonly file: OpenFile | undefined;
  readonly offset: bigint;
}

/** Requests that wait for an answer, and files that are open. */
const MAX_PENDING = 4_096;
const MAX_OPEN = 4_096;

/** Which answers a request may have beside STATUS (draft-ietf-secsh-filexfer-02, 7). */
const answers: { readonly [T in PacketType]?: PacketType } = {
  OPEN: 'HANDLE',
  OPENDIR: 'HANDLE',
  READ: 'DATA',
  READDIR: 'NAME',
  REALPATH: 'NAME',
  READLINK: 'NAME',
  STAT: 'ATTRS',
  LSTAT: 'ATTRS',
  FSTAT: 'ATTRS',
  EXTENDED: 'EXTENDED_REPLY',
};

/** Explains one SFTP session: what is asked of which file, and what went over. Handles are only those that the target gave. */
export class SftpInspector {
  readonly #asked = new PacketCutter();
  readonly #answered = new PacketCutter();
  readonly #pending = new Map<number, Pending>();
  readonly #files = new Map<string, OpenFile>();
  readonly #onTransfer: (transfer: Transfer) => void;
  #hasBegun = false;
  /** Where the bulk that passes belongs; undefined where it is dropped or of no file. */
  #writing: { readonly file: OpenFile; offset: bigint } | undefined;
  #isDropping = false;
  #reading: { readonly file: OpenFile | undefined; offset: bigint } | undefined;

  constructor(onTransfer: (transfer: Transfer) => void) {
    this.#onTransfer = onTransfer;
  }

  /** Requests in order; neighbours that need no judgement are one run. @throws WireError */
  requests(chunk: Buffer): Asked[] {
    const found: Asked[] = [];
    for (const piece of this.#asked.cut(chunk)) {
      const asked = this.#hear(piece);
      const last = found.at(-1);
      const isPlain = asked !== undefined && asked.ask === undefined && asked.answer === undefined;
      if (
        isPlain &&
        last !== undefined &&
        last.ask === undefined &&
        last.answer === undefined &&
        follows(last.bytes, asked.bytes)
      ) {
        found[found.length - 1] = { bytes: joined(last.bytes, asked.bytes) };
      } else if (asked !== undefined) found.push(asked);
    }
    return found;
  }

  /** What the client gets in place of a refused request. */
  refuse(id: number, { message, rule }: Denial): Buffer {
    this.#pending.delete(id);
    return statusPacket(
      id,
      statusCodes.PERMISSION_DENIED,
      rule === undefined ? message : `${message} (rule "${rule}")`,
    );
  }

  /** Passes on what the target answers. @throws WireError */
  replies(chunk: Buffer, sink: (bytes: Buffer) => void): void {
    let run: Buffer | undefined;
    for (const piece of this.#answered.cut(chunk)) {
      const bytes = this.#see(piece);
      if (run !== undefined && follows(run, bytes)) run = joined(run, bytes);
      else {
        if (run !== undefined) sink(run);
        run = bytes;
      }
    }
    if (run !== undefined) sink(run);
  }

  /** What was open when it ended did not go over whole. */
  end(): void {
    for (const file of this.#files.values()) {
      file.read.spoil();
      file.written.spoil();
      this.#tell(file);
    }
    this.#files.clear();
  }

  #hear(piece: Piece): Asked | undefined {
    if (piece.kind === 'part') return this.#writes(piece.raw);
    if (piece.kind === 'bulk') return piece.type === 'WRITE' ? this.#write(piece) : fail('a client that sends DATA');
    if (piece.type === 'INIT') return this.#init(piece);
    if (!this.#hasBegun) fail('a request before INIT');
    const operation = operationOf(piece);
    if ('unknown' in operation) {
      return {
        bytes: piece.raw,
        answer: statusPacket(operation.id, statusCodes.OP_UNSUPPORTED, `${operation.unknown} is not passed on`),
      };
    }
    return this.#ask(operation, piece.raw);
  }

  #init({ raw, body }: Packet): Asked {
    if (this.#hasBegun || body.length < 4) fail('INIT where none may be');
    this.#hasBegun = true;
    return { bytes: raw };
  }

  #ask(operation: Operation, raw: Buffer): Asked {
    const { id, type, handles, opens, read, isLook } = operation;
    const files = handles.map((handle) => this.#files.get(handle));
    if (files.includes(undefined))
      return { bytes: raw, answer: statusPacket(id, statusCodes.FAILURE, 'there is no such handle') };
    const [file] = files;
    if (type === 'READ' && file?.reads !== true)
      return { bytes: raw, answer: statusPacket(id, statusCodes.PERMISSION_DENIED, 'it is not open for reading') };
    this.#wait(id, { type, opens, file, offset: read?.offset ?? 0n });
    if (type === 'CLOSE' && handles[0] !== undefined) this.#files.delete(handles[0]);
    const action = type === 'FSETSTAT' && file !== undefined ? setstatOf(file.path) : operation.action;
    return action === undefined ? { bytes: raw } : { bytes: raw, ask: { action, isLook, id } };
  }

  #wait(id: number, pending: Pending): void {
    if (this.#pending.has(id)) fail('a request id that is in use');
    if (this.#pending.size >= MAX_PENDING) fail('too many requests without an answer');
    this.#pending.set(id, pending);
  }

  /** Only into files that were opened for it; the bulk of others is dropped. */
  #write({ body, raw, bulkBytes }: BulkHead): Asked {
    if (!this.#hasBegun) fail('a request before INIT');
    const reader = new FieldReader(body);
    const id = reader.uint32();
    const file = this.#files.get(reader.bytes().toString('latin1'));
    const offset = reader.uint64();
    if (file?.writes !== true) {
      this.#isDropping = bulkBytes > 0;
      return { bytes: raw, answer: statusPacket(id, statusCodes.PERMISSION_DENIED, 'it is not open for writing') };
    }
    this.#isDropping = false;
    this.#wait(id, { type: 'WRITE', opens: undefined, file, offset });
    this.#writing = { file, offset };
    return { bytes: raw };
  }

  #writes(bytes: Buffer): Asked | undefined {
    if (this.#isDropping) return undefined;
    const writing = this.#writing;
    if (writing === undefined) return fail('a bulk of no file');
    writing.file.written.add(writing.offset, bytes);
    writing.offset += BigInt(bytes.length);
    return { bytes };
  }

  #see(piece: Piece): Buffer {
    if (piece.kind === 'part') return this.#read(piece.raw);
    if (piece.kind === 'packet' && piece.type === 'VERSION') return versionPacket(piece.body, isKnownExtension);
    const id = new FieldReader(piece.body).uint32();
    const pending = this.#pending.get(id);
    if (pending === undefined) return fail('an answer to nothing that was asked');
    if (piece.type !== 'STATUS' && piece.type !== answers[pending.type])
      return fail(`${piece.type} in answer to ${pending.type}`);
    this.#pending.delete(id);
    if (piece.kind === 'bulk') this.#reading = { file: pending.file, offset: pending.offset };
    else this.#answer(pending, piece);
    return piece.raw;
  }

  #read(bytes: Buffer): Buffer {
    const reading = this.#reading;
    if (reading === undefined) return fail('a bulk of no file');
    reading.file?.read.add(reading.offset, bytes);
    reading.offset += BigInt(bytes.length);
    return bytes;
  }

  #answer({ type, opens, file }: Pending, { type: answer, body }: Packet): void {
    const reader = new FieldReader(body);
    reader.uint32();
    if (answer === 'HANDLE' && opens !== undefined) {
      if (this.#files.size >= MAX_OPEN) fail('too many open files');
      const handle = reader.bytes().toString('latin1');
      this.#files.set(handle, { ...opens, read: new Passage(), written: new Passage() });
    }
    const isFine = answer !== 'STATUS' || reader.uint32() === statusCodes.OK;
    if (type === 'WRITE' && !isFine) file?.written.spoil();
    if (type === 'CLOSE' && file !== undefined) this.#tell(file);
  }

  #tell({ path, read, written, reads, writes }: OpenFile): void {
    if (writes) this.#onTransfer({ name: path, direction: 'in', bytes: written.bytes, sha256: written.digest() });
    if (reads && read.bytes > 0)
      this.#onTransfer({ name: path, direction: 'out', bytes: read.bytes, sha256: read.digest() });
  }
}

function fail(what: string): never {
  throw new WireError('ERR_WIRE_UNEXPECTED', `SFTP: ${what}.`);
}

/** Whether one buffer lies right behind another in memory. */
const follows = (a: Buffer, b: Buffer): boolean => a.buffer === b.buffer && a.byteOffset + a.length === b.byteOffset;

const joined = (a: Buffer, b: Buffer): Buffer =>
  Buffer.from(a.buffer as ArrayBuffer, a.byteOffset, a.length + b.length);
