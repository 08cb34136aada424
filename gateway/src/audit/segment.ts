import { hash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Unavailable } from '@sallyport/shared/errors/errors.ts';

/** A place in the chain: a record's number (from 1; 0 is before the first) and its SHA-256 in hex. */
export interface Head {
  readonly sequence: number;
  readonly hash: string;
}

/** What is wrong with a journal, and where. Lines count from 1; line 1 is the segment's header. */
export interface Problem {
  readonly file: string;
  readonly line: number;
  readonly sequence: number | undefined;
  readonly what: string;
}

/** One file of the journal, named by its first record. */
export interface Segment {
  readonly file: string;
  readonly first: number;
}

export interface Header {
  readonly journalId: string;
  readonly first: number;
  /** The hash of the record before the first. */
  readonly previous: string;
}

const headerForm = /^sallyport-journal 1 ([0-9a-f-]{36}) ([1-9][0-9]{0,15}) ([0-9a-f]{64})$/;
const nameForm = /^([0-9]{20})\.journal$/;

/** Length of `<hash> SP`, which stands before a record's JSON. */
export const HASH_LENGTH = 64;
export const JSON_OFFSET = HASH_LENGTH + 1;

/** A record is at most about 1 MiB; a longer line is no record. */
export const MAX_LINE_BYTES = 4 * 1024 * 1024;

/** What the first record of a journal continues: no other journal's record fits there. */
export function genesis(journalId: string): string {
  return hash('sha256', `sallyport-journal ${journalId}`, 'hex');
}

export function headerLine({ journalId, first, previous }: Header): string {
  return `sallyport-journal 1 ${journalId} ${first} ${previous}\n`;
}

export function parseHeader(line: string): Header | undefined {
  const [, journalId, first, previous] = headerForm.exec(line) ?? [];
  if (journalId === undefined || first === undefined || previous === undefined) return undefined;
  return { journalId, first: Number(first), previous };
}

export function segmentFile(dir: string, first: number): string {
  return join(dir, `${String(first).padStart(20, '0')}.journal`);
}

/** In the order of their records. */
export function listSegments(dir: string): Segment[] {
  return readdirSync(dir)
    .map((name) => ({ file: join(dir, name), first: Number(nameForm.exec(name)?.[1]) }))
    .filter(({ first }) => !Number.isNaN(first))
    .sort((a, b) => a.first - b.first);
}

const reasons: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the file system is read-only',
  EFBIG: 'the file has reached the limit that is set for files',
  EIO: 'the disk reports an I/O error',
  EACCES: 'permission is denied',
  EPERM: 'the operation is not permitted',
  ENOENT: 'the folder is gone',
  EMFILE: 'too many files are open',
};

/** The journal cannot take events now; says why in plain words. */
export function unavailable(cause: unknown): Unavailable {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const why = reasons[code] ?? (cause instanceof Error ? cause.message : String(cause));
  return new Unavailable('journal', 'ERR_JOURNAL_UNAVAILABLE', `the journal cannot be written: ${why}`, { cause });
}

/** A journal that must not be used as it is. @see Problem */
export function damaged({ file, line, what }: Problem): Unavailable {
  const advice =
    'Nothing was changed. Keep a copy of the folder as evidence, then restore it from a backup or start with an empty one';
  return new Unavailable('journal', 'ERR_JOURNAL_UNAVAILABLE', `${file}:${line}: ${what}. ${advice}.`);
}
