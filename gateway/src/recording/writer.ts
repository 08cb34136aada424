import { closeSync, fdatasync, ftruncateSync, mkdirSync, openSync, rmSync, writeSync, writevSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';
import { Unavailable } from '@sallyport/shared/errors/errors.ts';
import {
  type EntryKind,
  type FrameKind,
  HEAD_BYTES,
  MAGIC,
  MAX_PAYLOAD_BYTES,
  type RecordingEnd,
  type RecordingHeader,
  writeHead,
} from './format.ts';
import { Growth } from './growth.ts';

export interface WriterOptions {
  /** Beyond this size replies are counted and no longer kept; all else still is. Default: no cap. */
  readonly maxBytes?: number;
}

/** Up to here one copy is cheaper than a vectored write. Bytes. */
const COPY_UP_TO_BYTES = 2048;

/** Frames of `entrySoon` that wait together. Bytes. */
const MAX_PENDING_BYTES = 4096;

/** How long a frame of `entrySoon` waits at most for another to go with. */
const SOON_MS = 20;

/** Every write is synchronous, so all writers share the place where frames are put together. */
const scratch = Buffer.allocUnsafeSlow(HEAD_BYTES + COPY_UP_TO_BYTES);
const gathered = Buffer.allocUnsafeSlow(MAX_PENDING_BYTES + HEAD_BYTES + COPY_UP_TO_BYTES);
const scratchHead = scratch.subarray(0, HEAD_BYTES);
const sync = promisify(fdatasync);

/** Writers whose frames wait; one timer serves them all. */
const waiting = new Set<RecordingWriter>();
let timer: NodeJS.Timeout | undefined;

function flushWaiting(): void {
  timer = undefined;
  for (const writer of waiting) writer.flush();
  waiting.clear();
}

/** Appends one session's entries to its file. What `entry` returned from survives `kill -9`: the kernel has it. */
export class RecordingWriter {
  readonly path: string;
  /** For readers in this process that follow along. */
  readonly growth = new Growth();
  readonly #fd: number;
  readonly #maxBytes: number;
  readonly #originMs = performance.now();
  /** Whole frames that go with the next one. */
  #pending: Buffer | undefined;
  #sizeBytes = 0;
  #droppedBytes = 0;
  #failure: Unavailable | undefined;
  #closed = false;
  #whenClosed: (() => void) | undefined;

  private constructor(path: string, fd: number, maxBytes: number) {
    this.path = path;
    this.#fd = fd;
    this.#maxBytes = maxBytes;
  }

  /**
   * Makes the file, which must not exist, for its owner's eyes only.
   * @throws Unavailable ERR_RECORDING_UNAVAILABLE
   */
  static create(path: string, header: RecordingHeader, options: WriterOptions = {}): RecordingWriter {
    let fd: number | undefined;
    try {
      fd = openNew(path);
      writeSync(fd, MAGIC);
      const writer = new RecordingWriter(path, fd, options.maxBytes ?? Number.POSITIVE_INFINITY);
      writer.#sizeBytes = MAGIC.length;
      writer.#append('header', Buffer.from(JSON.stringify(header)));
      return writer;
    } catch (error) {
      if (fd !== undefined) discard(path, fd);
      throw error instanceof Unavailable ? error : unavailable(path, error);
    }
  }

  /** Bytes of the file so far. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /**
   * Hands an entry to the kernel before it returns; the payload is not kept.
   * @throws Unavailable ERR_RECORDING_UNAVAILABLE: nothing of the entry is in the file
   */
  entry(kind: EntryKind, payload: Uint8Array | string): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#closed) throw unavailable(this.path, new Error('it is closed'));
    if (typeof payload === 'string') return this.#append(kind, Buffer.from(payload));
    if (kind === 'reply' && this.#isFull(payload.length)) return this.#drop(payload.length);
    this.#append(kind, payload);
  }

  /**
   * An entry that is in the file before the next one is, or 20 ms later: what is asked is written together with the first
   * of its answer. @throws as `entry`
   */
  entrySoon(kind: EntryKind, payload: string): void {
    if (this.#failure !== undefined) throw this.#failure;
    const bytes = Buffer.from(payload);
    if (this.#closed || bytes.length + HEAD_BYTES > MAX_PENDING_BYTES) return this.entry(kind, bytes);
    const frame = Buffer.allocUnsafe(HEAD_BYTES + bytes.length);
    const checksum = writeHead(frame, kind, bytes.length, this.#nowUs());
    frame.writeUInt32BE(crc32(bytes, checksum), 15);
    frame.set(bytes, HEAD_BYTES);
    if ((this.#pending?.length ?? 0) + frame.length > MAX_PENDING_BYTES) this.#flush();
    this.#pending = this.#pending === undefined ? frame : Buffer.concat([this.#pending, frame]);
    waiting.add(this);
    if (timer === undefined) timer = setTimeout(flushWaiting, SOON_MS);
  }

  /** Writes what waits. Never throws: whoever writes next is told. */
  flush(): void {
    if (this.#closed || this.#failure !== undefined) return;
    try {
      this.#flush();
    } catch {
      // It waits on; the next entry tries again, and says why where it fails.
    }
  }

  /** One listener: who keeps account of living recordings. */
  onClosed(listener: () => void): void {
    this.#whenClosed = listener;
  }

  /** Writes why the session ended and waits until the disk has it all. Never throws: what is lost was never promised. */
  async close(why: string): Promise<void> {
    if (this.#closed) return;
    const end: RecordingEnd = { why, droppedReplyBytes: this.#droppedBytes };
    try {
      if (this.#failure === undefined) this.#append('end', Buffer.from(JSON.stringify(end)));
    } catch {
      // Readers see a recording without its end, which is what it is.
    }
    this.#closed = true;
    this.growth.finish();
    this.#whenClosed?.();
    await sync(this.#fd).catch(() => {});
    closeSync(this.#fd);
  }

  #isFull(lengthBytes: number): boolean {
    return this.#droppedBytes > 0 || this.#sizeBytes + HEAD_BYTES + lengthBytes > this.#maxBytes;
  }

  /** Once a reply is dropped all later ones are: a stream with a hole in it could not be read. */
  #drop(lengthBytes: number): void {
    if (this.#droppedBytes === 0) {
      this.#append('note', Buffer.from(JSON.stringify({ type: 'truncated', maxBytes: this.#maxBytes })));
    }
    this.#droppedBytes += lengthBytes;
  }

  #append(kind: FrameKind, payload: Uint8Array): void {
    const lengthBytes = payload.length;
    if (lengthBytes > MAX_PAYLOAD_BYTES) throw unavailable(this.path, new Error(`${lengthBytes} bytes are too much`));
    const checksum = writeHead(scratch, kind, lengthBytes, this.#nowUs());
    scratch.writeUInt32BE(crc32(payload, checksum), 15);
    const before = this.#pending;
    this.#guarded(() => (before === undefined ? this.#write(payload) : this.#writeBehind(before, payload)));
    this.#pending = undefined;
    this.#sizeBytes += (before?.length ?? 0) + HEAD_BYTES + lengthBytes;
    this.growth.reach(this.#sizeBytes);
  }

  #flush(): void {
    const pending = this.#pending;
    if (pending === undefined) return;
    this.#guarded(() => this.#writeAll(pending, 0));
    this.#pending = undefined;
    this.#sizeBytes += pending.length;
    this.growth.reach(this.#sizeBytes);
  }

  #nowUs(): number {
    return Math.round((performance.now() - this.#originMs) * 1000);
  }

  #guarded(write: () => void): void {
    try {
      write();
    } catch (error) {
      this.#undo(error);
      throw unavailable(this.path, error);
    }
  }

  /** What waits, the head in `scratch`, the payload: as one. */
  #writeBehind(before: Buffer, payload: Uint8Array): void {
    const headAt = before.length;
    if (payload.length > COPY_UP_TO_BYTES) {
      const written = writevSync(this.#fd, [before, scratchHead, payload]);
      const totalBytes = headAt + HEAD_BYTES + payload.length;
      if (written < totalBytes) this.#writeAll(Buffer.concat([before, scratchHead, payload]), written);
      return;
    }
    gathered.set(before, 0);
    gathered.set(scratchHead, headAt);
    gathered.set(payload, headAt + HEAD_BYTES);
    this.#writeAll(gathered.subarray(0, headAt + HEAD_BYTES + payload.length), 0);
  }

  /** The head in `scratch`, then the payload. */
  #write(payload: Uint8Array): void {
    const totalBytes = HEAD_BYTES + payload.length;
    let written: number;
    if (payload.length <= COPY_UP_TO_BYTES) {
      scratch.set(payload, HEAD_BYTES);
      written = writeSync(this.#fd, scratch, 0, totalBytes, null);
      if (written < totalBytes) this.#writeAll(scratch.subarray(0, totalBytes), written);
      return;
    }
    written = writevSync(this.#fd, [scratchHead, payload]);
    if (written === totalBytes) return;
    if (written < HEAD_BYTES) this.#writeAll(scratchHead, written);
    this.#writeAll(payload, Math.max(0, written - HEAD_BYTES));
  }

  /** A full disk takes a part and says why at the next try. */
  #writeAll(bytes: Uint8Array, from: number): void {
    for (let at = from; at < bytes.length; ) at += writeSync(this.#fd, bytes, at, bytes.length - at, null);
  }

  /** Takes back the part of a frame. Where even that fails, nothing may follow it. */
  #undo(cause: unknown): void {
    try {
      ftruncateSync(this.#fd, this.#sizeBytes);
    } catch {
      this.#failure = unavailable(this.path, cause);
    }
  }
}

/** A sweep may take the day's empty folder away between the two steps; it cannot do so twice in a row. */
function openNew(path: string, triesLeft = 1): number {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  try {
    // Appending: after a cut the next write goes to the new end.
    return openSync(path, 'ax', 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || triesLeft === 0) throw error;
    return openNew(path, triesLeft - 1);
  }
}

/** A recording that could not even begin. */
function discard(path: string, fd: number): void {
  closeSync(fd);
  rmSync(path, { force: true });
}

function unavailable(path: string, cause: unknown): Unavailable {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new Unavailable('recording', 'ERR_RECORDING_UNAVAILABLE', `the recording ${path} cannot be written: ${why}`, {
    cause,
  });
}
