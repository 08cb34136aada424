import { type FileHandle, open } from 'node:fs/promises';
import { MAX_LINE_BYTES } from './segment.ts';

const CHUNK_BYTES = 64 * 1024;
const LF = 0x0a;

/** The whole lines of one read, without their line feeds; valid until the next is asked for. */
export interface Lines {
  readonly lines: readonly Buffer[];
  /** Where the first line after these begins, in bytes. */
  readonly next: number;
}

/**
 * The whole lines between two offsets, a chunk at a time; `to` is asked again at each chunk, so a growing file is
 * followed as far as it is known. What has no line feed is not told.
 * @throws RangeError when a line is longer than any record.
 */
export async function* linesOf(handle: FileHandle, from: number, to: () => number): AsyncGenerator<Lines> {
  let buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  let [start, held] = [from, 0];
  for (;;) {
    const wanted = Math.min(buffer.length - held, to() - start - held);
    if (wanted <= 0) return;
    const { bytesRead } = await handle.read(buffer, held, wanted, start + held);
    if (bytesRead === 0) return;
    held += bytesRead;
    const whole = buffer.lastIndexOf(LF, held - 1) + 1;
    if (whole > 0) {
      yield { lines: split(buffer.subarray(0, whole)), next: start + whole };
      buffer.copyWithin(0, whole, held);
      start += whole;
      held -= whole;
    } else if (held === buffer.length) buffer = grown(buffer);
  }
}

/** The whole lines before `to`, last first, a chunk at a time. `next` is where the earliest of them begins. */
export async function* linesBackwards(handle: FileHandle, to: number): AsyncGenerator<Lines> {
  let [end, size] = [to, CHUNK_BYTES];
  while (end > 0) {
    const from = Math.max(0, end - size);
    const buffer = Buffer.allocUnsafe(end - from);
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, from);
    if (bytesRead < buffer.length) return;
    // The first line of a chunk may begin before it.
    const cut = from === 0 ? 0 : buffer.indexOf(LF) + 1;
    if (cut < buffer.length && (from === 0 || cut > 0)) {
      end = from + cut;
      size = CHUNK_BYTES;
      yield { lines: split(buffer.subarray(cut)).reverse(), next: end };
    } else if (size > MAX_LINE_BYTES) throw new RangeError('a line is longer than any record');
    else size *= 2;
  }
}

/** Runs over a file that is closed again however the reader leaves. */
export async function* withFile<T>(file: string, read: (handle: FileHandle) => AsyncIterable<T>): AsyncGenerator<T> {
  const handle = await open(file, 'r');
  try {
    yield* read(handle);
  } finally {
    await handle.close();
  }
}

function grown(buffer: Buffer<ArrayBuffer>): Buffer<ArrayBuffer> {
  if (buffer.length >= MAX_LINE_BYTES) throw new RangeError('a line is longer than any record');
  const larger = Buffer.allocUnsafe(buffer.length * 2);
  buffer.copy(larger);
  return larger;
}

function split(chunk: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let start = 0; start < chunk.length; ) {
    const found = chunk.indexOf(LF, start);
    const end = found < 0 ? chunk.length : found;
    lines.push(chunk.subarray(start, end));
    start = end + 1;
  }
  return lines;
}
