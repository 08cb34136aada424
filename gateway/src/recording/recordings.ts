import { access, readdir, rmdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { Unavailable } from '@sallyport/shared/errors/errors.ts';
import type { RecordingHeader } from './format.ts';
import { type ReadOptions, type Recording, readRecording } from './reader.ts';
import { RecordingWriter, type WriterOptions } from './writer.ts';

/** What is known of a session when its recording begins. */
export type RecordedSession = Omit<RecordingHeader, 'sessionId'>;

/** What a sweep did. */
export interface Swept {
  readonly removed: number;
  readonly freedBytes: number;
}

const SUFFIX = '.rec';
/** Session ids come from outside too, and become names of files. */
const validId = /^[0-9A-Za-z][0-9A-Za-z-]{0,63}$/;
const datePart = /^\d{2,4}$/;

/** The recordings of a gateway: a folder a day, a file a session. */
export class Recordings {
  readonly #folder: string;
  readonly #options: WriterOptions;
  readonly #living = new Map<string, RecordingWriter>();

  constructor(folder: string, options: WriterOptions = {}) {
    this.#folder = folder;
    this.#options = options;
  }

  /**
   * Begins a session's recording: its file exists, with its header, when this returns.
   * @throws Unavailable ERR_RECORDING_UNAVAILABLE: the session must not begin
   */
  create(sessionId: string, session: RecordedSession): RecordingWriter {
    if (!validId.test(sessionId)) throw new RangeError(`"${sessionId}" is no session id`);
    const path = this.#path(sessionId, session.startedAt);
    const writer = RecordingWriter.create(path, { sessionId, ...session }, this.#options);
    this.#living.set(sessionId, writer);
    writer.onClosed(() => this.#living.delete(sessionId));
    return writer;
  }

  /**
   * The path of a session's recording. `startedAt` (milliseconds since the epoch) saves looking through every day.
   * Undefined where there is none.
   */
  async find(sessionId: string, startedAt?: number): Promise<string | undefined> {
    if (!validId.test(sessionId)) return undefined;
    const living = this.#living.get(sessionId);
    if (living !== undefined) return living.path;
    if (startedAt !== undefined) {
      const path = this.#path(sessionId, startedAt);
      if (await exists(path)) return path;
    }
    for await (const day of this.#days()) {
      const path = join(day, `${sessionId}${SUFFIX}`);
      if (await exists(path)) return path;
    }
    return undefined;
  }

  /** As far as it goes now. Undefined where there is none. @throws Unavailable, RecordingDamaged */
  async open(sessionId: string, startedAt?: number): Promise<Recording | undefined> {
    return this.#read(sessionId, startedAt, {});
  }

  /** From the start, and on until the session ends or the signal is aborted. @throws as `open` */
  async watch(sessionId: string, signal: AbortSignal, startedAt?: number): Promise<Recording | undefined> {
    const follow = this.#living.get(sessionId)?.growth;
    return this.#read(sessionId, startedAt, follow === undefined ? { signal } : { follow, signal });
  }

  async sizeBytes(sessionId: string, startedAt?: number): Promise<number | undefined> {
    const path = await this.find(sessionId, startedAt);
    return path === undefined ? undefined : (await stat(path)).size;
  }

  /** False where there is none or its session still lives. */
  async remove(sessionId: string, startedAt?: number): Promise<boolean> {
    if (this.#living.has(sessionId)) return false;
    const path = await this.find(sessionId, startedAt);
    if (path === undefined) return false;
    await unlink(path);
    return true;
  }

  /** Removes recordings that nothing was written to for so long, but never a living session's, and days left empty. */
  async sweep(olderThanMs: number, now = Date.now()): Promise<Swept> {
    const living = new Set([...this.#living.values()].map(({ path }) => path));
    let removed = 0;
    let freedBytes = 0;
    for await (const day of this.#days()) {
      for (const name of await readdir(day)) {
        const path = join(day, name);
        if (!name.endsWith(SUFFIX) || living.has(path)) continue;
        const { mtimeMs, size } = await stat(path);
        if (now - mtimeMs < olderThanMs) continue;
        await unlink(path);
        removed++;
        freedBytes += size;
      }
      await this.#removeEmpty(day);
    }
    return { removed, freedBytes };
  }

  async #read(sessionId: string, startedAt: number | undefined, options: ReadOptions): Promise<Recording | undefined> {
    const path = await this.find(sessionId, startedAt);
    return path === undefined ? undefined : await readRecording(path, options);
  }

  #path(sessionId: string, startedAt: number): string {
    const [year = '', month = '', day = ''] = new Date(startedAt).toISOString().slice(0, 10).split('-');
    return join(this.#folder, year, month, day, `${sessionId}${SUFFIX}`);
  }

  /** Newest first. */
  async *#days(): AsyncGenerator<string, void, undefined> {
    for (const year of await partsOf(this.#folder)) {
      for (const month of await partsOf(join(this.#folder, year))) {
        const folder = join(this.#folder, year, month);
        for (const day of await partsOf(folder)) yield join(folder, day);
      }
    }
  }

  /** A day, its month and its year, as far as nothing is in them. A new session may bring one back at any moment. */
  async #removeEmpty(day: string): Promise<void> {
    try {
      for (const folder of [day, join(day, '..'), join(day, '../..')]) await rmdir(folder);
    } catch (error) {
      if (!['ENOTEMPTY', 'ENOENT', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }
}

async function partsOf(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => datePart.test(name)).sort((a, b) => b.localeCompare(a));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return [];
    throw new Unavailable('recording', 'ERR_RECORDING_UNAVAILABLE', `recordings cannot be read: ${message}`, {
      cause: error,
    });
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
