import { readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';

/** How far the journal was told of: everything up to `sequence` was taken or given up. */
export interface Progress {
  readonly journalId: string;
  readonly sequence: number;
}

/** Undefined where there is none, or it cannot be read: then nothing of the past is told. */
export function readProgress(file: string): Progress | undefined {
  try {
    const { journalId, sequence } = JSON.parse(readFileSync(file, 'utf8')) as Progress;
    return typeof journalId === 'string' && Number.isSafeInteger(sequence) ? { journalId, sequence } : undefined;
  } catch {
    return undefined;
  }
}

/** Whole or not at all. */
export async function writeProgress(file: string, progress: Progress): Promise<void> {
  await writeFile(`${file}.new`, `${JSON.stringify(progress)}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
}
