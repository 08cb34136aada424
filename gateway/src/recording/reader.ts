import { type FileHandle, open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { Unavailable } from '@sallyport/shared/errors/errors.ts';
import {
  type Entry,
  type FrameKind,
  HEAD_BYTES,
  type Head,
  MAGIC,
  RecordingDamaged,
  type RecordingEnd,
  type RecordingHeader,
  readHead,
} from './format.ts';
import type { Growth } from './growth.ts';

export interface ReadOptions {
  /** Of the writer, where the session lives in this process: reading goes on until it is closed. */
  readonly follow?: Growth;
  /** Ends the reading, without an error. */
  readonly signal?: AbortSignal;
}

/** What stood at the end of a recording, once all its entries were read. */
export interface RecordingEnding {
  /** Undefined where it was never closed: the gateway was killed, or the session lives. */
  readonly end: RecordingEnd | undefined;
  /** The last frame had not been written whole: it was dropped, and nobody was told what it holds. */
  readonly truncated: boolean;
}

interface Frame {
  readonly kind: FrameKind;
  readonly timeUs: number;
  readonly payload: Buffer;
}

/** Read at a time. Bytes. */
const CHUNK_BYTES = 256 * 1024;

/** A recording that was opened: its entries can be read once, in bounded memory. */
export class Recording implements AsyncIterable<Entry> {
  readonly header: RecordingHeader;
  readonly #frames: FrameReader;
  #end: RecordingEnd | undefined;

  constructor(header: RecordingHeader, frames: FrameReader) {
    this.header = header;
    this.#frames = frames;
  }

  /** What is known of the end; only final once the entries have been read. */
  get ending(): RecordingEnding {
    return { end: this.#end, truncated: this.#frames.truncated };
  }

  /** @throws RecordingDamaged where a frame is not what was written */
  async *[Symbol.asyncIterator](): AsyncGenerator<Entry, void, undefined> {
    try {
      for (let frame = await this.#frames.next(); frame !== undefined; frame = await this.#frames.next()) {
        const { kind, timeUs, payload } = frame;
        if (kind === 'end') {
          this.#end = JSON.parse(payload.toString());
          return;
        }
        if (kind === 'header') throw this.#frames.damage('a second header');
        yield { kind, timeUs, payload };
      }
    } finally {
      await this.close();
    }
  }

  /** For those who do not read the entries. */
  async close(): Promise<void> {
    await this.#frames.close();
  }
}

/**
 * Opens a recording and reads its header.
 * @throws Unavailable ERR_RECORDING_UNAVAILABLE where it cannot be read; RecordingDamaged where it is no recording
 */
export async function readRecording(path: string, options: ReadOptions = {}): Promise<Recording> {
  const frames = new FrameReader(path, await openFile(path), options);
  try {
    return new Recording(await frames.header(), frames);
  } catch (error) {
    await frames.close();
    throw error;
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Unavailable('recording', 'ERR_RECORDING_UNAVAILABLE', `the recording cannot be read: ${why}`, {
      cause: error,
    });
  }
}

/** Cuts a file into frames; holds one chunk, or one frame where that is larger. */
class FrameReader {
  truncated = false;
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #growth: Growth | undefined;
  readonly #signal: AbortSignal | undefined;
  #chunk: Buffer = Buffer.alloc(0);
  /** Of the next frame within the chunk, and of the chunk within the file. */
  #at = 0;
  #chunkOffset = 0;
  #closed = false;

  constructor(path: string, file: FileHandle, { follow, signal }: ReadOptions) {
    this.#path = path;
    this.#file = file;
    this.#growth = follow;
    this.#signal = signal;
  }

  async header(): Promise<RecordingHeader> {
    if (!(await this.#have(MAGIC.length)) || !this.#chunk.subarray(0, MAGIC.length).equals(MAGIC)) {
      throw this.damage('it is no recording of a version that is known here');
    }
    this.#at = MAGIC.length;
    const frame = await this.next();
    if (frame?.kind !== 'header') throw this.damage('it has no header');
    return JSON.parse(frame.payload.toString());
  }

  /** Undefined at the end. */
  async next(): Promise<Frame | undefined> {
    if (!(await this.#have(HEAD_BYTES))) return this.#finish();
    const head = readHead(this.#chunk, this.#at);
    if (head === undefined) return this.#unreadable();
    if (!(await this.#have(HEAD_BYTES + head.lengthBytes))) return this.#finish();
    return this.#take(head);
  }

  damage(what: string): RecordingDamaged {
    return new RecordingDamaged(this.#path, this.#offset, what);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#file.close();
  }

  get #offset(): number {
    return this.#chunkOffset + this.#at;
  }

  #take({ kind, lengthBytes, timeUs, headChecksum, checksum }: Head): Frame {
    const from = this.#at + HEAD_BYTES;
    const payload = this.#chunk.subarray(from, from + lengthBytes);
    if (crc32(payload, headChecksum) !== checksum) throw this.damage('the checksum of its payload is wrong');
    this.#at = from + lengthBytes;
    return { kind, timeUs, payload };
  }

  #finish(): undefined {
    this.truncated = this.#at < this.#chunk.length && !this.#signal?.aborted;
    return undefined;
  }

  /** After a power cut a file may be longer than what reached the disk: then zeros stand there, to its end. */
  async #unreadable(): Promise<undefined> {
    const broken = this.damage('the checksum of a head is wrong');
    do {
      for (let i = this.#at; i < this.#chunk.length; i++) if (this.#chunk[i] !== 0) throw broken;
      this.#at = this.#chunk.length;
    } while (await this.#have(1));
    this.truncated = true;
    return undefined;
  }

  /** Whether the chunk now holds `lengthBytes` from the current position; waits for them when following. */
  async #have(lengthBytes: number): Promise<boolean> {
    if (this.#chunk.length - this.#at >= lengthBytes) return true;
    if (this.#growth !== undefined) await this.#growth.beyond(this.#offset + lengthBytes - 1, this.#signal);
    if (this.#signal?.aborted || this.#closed) return false;
    const offset = this.#offset;
    const availableBytes = (await this.#sizeBytes()) - offset;
    // Never as much as a length word claims, only what is there.
    const wantedBytes = Math.min(availableBytes, Math.max(CHUNK_BYTES, lengthBytes));
    const chunk = Buffer.allocUnsafeSlow(Math.max(0, wantedBytes));
    this.#chunk = chunk.subarray(0, await this.#fill(chunk, offset));
    this.#chunkOffset = offset;
    this.#at = 0;
    return this.#chunk.length >= lengthBytes;
  }

  /** Behind a living writer only whole frames are looked at. */
  async #sizeBytes(): Promise<number> {
    return this.#growth?.sizeBytes ?? (await this.#file.stat()).size;
  }

  async #fill(chunk: Buffer, offset: number): Promise<number> {
    let filled = 0;
    while (filled < chunk.length) {
      const { bytesRead } = await this.#file.read(chunk, filled, chunk.length - filled, offset + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return filled;
  }
}
