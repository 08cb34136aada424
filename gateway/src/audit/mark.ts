import { closeSync, constants, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Head } from './segment.ts';

const form = /^([0-9]{16}) ([0-9a-f]{64})\n$/;

export function markFile(dir: string): string {
  return join(dir, 'durable');
}

/** The last record that is known to be on the disk; undefined where none was ever noted. */
export function readMark(dir: string): Head | undefined {
  try {
    const [, sequence, hash] = form.exec(readFileSync(markFile(dir), 'latin1')) ?? [];
    return sequence === undefined || hash === undefined ? undefined : { sequence: Number(sequence), hash };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Remembers how far the journal is durable, so that a tail that was cut off later is missed. One short line,
 * overwritten in place after each sync of the journal: it may lag behind the disk, never lead.
 */
export class Mark {
  readonly #fd: number;
  readonly #buffer = Buffer.alloc(16 + 1 + 64 + 1, '\n');

  constructor(dir: string) {
    this.#fd = openSync(markFile(dir), constants.O_WRONLY | constants.O_CREAT, 0o600);
  }

  /** A failure is no failure of the journal: the mark then lags. */
  note({ sequence, hash }: Head): void {
    this.#buffer.write(`${String(sequence).padStart(16, '0')} ${hash}\n`, 0, 'latin1');
    try {
      writeSync(this.#fd, this.#buffer, 0, this.#buffer.length, 0);
    } catch {
      // The next one says as much.
    }
  }

  close(): void {
    try {
      fsyncSync(this.#fd);
    } finally {
      closeSync(this.#fd);
    }
  }
}
