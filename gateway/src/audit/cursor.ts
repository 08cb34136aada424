import { readFileSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';

/** How far a journal is published. `streams`: behind which message of each stream to look for later records of ours. */
export interface Cursor {
  readonly journalId: string;
  readonly sequence: number;
  readonly hash: string;
  readonly streams: Readonly<Record<string, number>>;
}

export function cursorFile(dir: string): string {
  return join(dir, 'published.json');
}

/** Undefined where there is none or it cannot be read: the streams are then searched for what they have. */
export function readCursor(dir: string): Cursor | undefined {
  try {
    const { journalId, sequence, hash, streams } = JSON.parse(readFileSync(cursorFile(dir), 'utf8')) as Cursor;
    const whole = typeof journalId === 'string' && Number.isSafeInteger(sequence) && typeof streams === 'object';
    return whole ? { journalId, sequence, hash, streams } : undefined;
  } catch {
    return undefined;
  }
}

/** Whole or not at all. */
export async function writeCursor(dir: string, cursor: Cursor): Promise<void> {
  const file = cursorFile(dir);
  const handle = await open(`${file}.new`, 'w', 0o600);
  try {
    await handle.writeFile(`${JSON.stringify(cursor)}\n`);
    await handle.datasync();
  } finally {
    await handle.close();
  }
  await rename(`${file}.new`, file);
}
