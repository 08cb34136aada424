import { randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readdirSync, renameSync, rmSync, statSync, truncateSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Chain, hashIn, sequenceOf } from './chain.ts';
import { linesBackwards, linesOf, withFile } from './lines.ts';
import { markFile, readMark } from './mark.ts';
import {
  damaged,
  genesis,
  type Head,
  type Header,
  headerLine,
  listSegments,
  parseHeader,
  type Segment,
  segmentFile,
  unavailable,
} from './segment.ts';
import { type Disk, disk } from './writer.ts';

/** A last record that a crash had left unfinished was cut off. */
export interface Recovery {
  readonly file: string;
  readonly cutBytes: number;
  readonly head: Head;
}

/** A journal as it was found, or as it was begun. */
export interface Found {
  readonly journalId: string;
  readonly segments: Segment[];
  readonly sizes: number[];
  readonly head: Head;
  readonly recovery: Recovery | undefined;
}

/** Looks at a folder before anything is appended to it. @throws Unavailable with file and line of what is wrong. */
export async function examine(dir: string): Promise<Found> {
  for (const name of readdirSync(dir)) if (name.endsWith('.journal.new')) rmSync(join(dir, name));
  if (listSegments(dir).length === 0) begin(dir);
  const segments = listSegments(dir);
  const headers = await readHeaders(segments);
  const last = segments.length - 1;
  for (let i = 0; i < last; i++) await checkSeam(segments[i] as Segment, headers[i + 1] as Header);
  const segment = segments[last] as Segment;
  const { head, recovery } = await checkLast(segment, headers[last] as Header);
  checkMark(dir, segment, head);
  return {
    journalId: (headers[0] as Header).journalId,
    segments,
    sizes: segments.map(({ file }) => statSync(file).size),
    head,
    recovery,
  };
}

/** Appears whole, on the disk, or not at all. */
export function createSegment(dir: string, header: Header, using: Disk = disk): void {
  const file = segmentFile(dir, header.first);
  const fresh = `${file}.new`;
  const bytes = Buffer.from(headerLine(header));
  try {
    const fd = openSync(fresh, 'w', 0o600);
    try {
      for (let done = 0; done < bytes.length; ) done += using.write(fd, bytes, done, bytes.length - done, done);
      using.sync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(fresh, file);
    syncFolder(dir);
  } catch (error) {
    rmSync(fresh, { force: true });
    rmSync(file, { force: true });
    throw error;
  }
}

export function syncFolder(dir: string): void {
  const fd = openSync(dir, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function begin(dir: string): void {
  const mark = readMark(dir);
  if (mark !== undefined && mark.sequence > 0) throw missing(dir, mark.sequence, 'there is no journal');
  const journalId = randomUUID();
  try {
    createSegment(dir, { journalId, first: 1, previous: genesis(journalId) });
  } catch (error) {
    throw unavailable(error);
  }
}

/** The header of each file, checked against its name and the first. */
export async function readHeaders(segments: readonly Segment[]): Promise<Header[]> {
  const headers: Header[] = [];
  for (const { file, first } of segments) {
    const header = parseHeader(await firstLine(file));
    const wrong = headerProblem(header, first, headers[0]);
    if (wrong !== undefined || header === undefined) {
      throw damaged({ file, line: 1, sequence: undefined, what: wrong ?? '' });
    }
    headers.push(header);
  }
  return headers;
}

/** What is wrong with a header, seen from the file's name and the journal's first header. */
export function headerProblem(
  header: Header | undefined,
  first: number,
  opening: Header | undefined,
): string | undefined {
  if (header === undefined) return 'this is no header of a journal file';
  if (header.first !== first)
    return `the header is that of the file of record ${header.first}: the file was renamed or copied`;
  if (opening !== undefined) {
    return header.journalId === opening.journalId ? undefined : 'this file belongs to another journal';
  }
  if (first !== 1) return `the journal begins with record ${first}: earlier files are missing`;
  return header.previous === genesis(header.journalId) ? undefined : 'the header was changed';
}

async function firstLine(file: string): Promise<string> {
  for await (const { lines } of withFile(file, (handle) => linesOf(handle, 0, () => statSync(file).size))) {
    return (lines[0] as Buffer).toString('latin1');
  }
  return '';
}

/** The next file must continue this one's last record. */
async function checkSeam(segment: Segment, next: Header): Promise<void> {
  const size = statSync(segment.file).size;
  for await (const { lines } of withFile(segment.file, (handle) => linesBackwards(handle, size))) {
    const [line] = lines as [Buffer];
    const fits = sequenceOf(line) === next.first - 1 && hashIn(line) === next.previous;
    if (fits) return;
    break;
  }
  const what = `${basename(segment.file)} does not end with record ${next.first - 1}, which this file continues`;
  throw damaged({ file: segmentFile(join(segment.file, '..'), next.first), line: 1, sequence: next.first, what });
}

async function checkLast(segment: Segment, header: Header): Promise<{ head: Head; recovery: Recovery | undefined }> {
  const { file } = segment;
  const chain = new Chain({ sequence: header.first - 1, hash: header.previous });
  const size = statSync(file).size;
  let [number, whole] = [0, 0];
  for await (const { lines, next } of withFile(file, (handle) => linesOf(handle, 0, () => size))) {
    for (const line of lines) {
      number += 1;
      const what = number === 1 ? undefined : chain.take(line);
      if (what !== undefined) throw damaged({ file, line: number, sequence: chain.sequence + 1, what });
    }
    whole = next;
  }
  const head = { sequence: chain.sequence, hash: chain.hash };
  if (whole === size) return { head, recovery: undefined };
  truncateSync(file, whole);
  return { head, recovery: { file, cutBytes: size - whole, head } };
}

/** Records that were on the disk once must still be there. */
function checkMark(dir: string, { file }: Segment, head: Head): void {
  const mark = readMark(dir);
  if (mark === undefined) return;
  if (mark.sequence > head.sequence)
    throw missing(dir, mark.sequence, `${basename(file)} ends with record ${head.sequence}`);
  if (mark.sequence === head.sequence && mark.hash !== head.hash) {
    throw damaged({
      file: markFile(dir),
      line: 1,
      sequence: mark.sequence,
      what: `record ${mark.sequence} was replaced`,
    });
  }
}

function missing(dir: string, sequence: number, found: string) {
  const what = `record ${sequence} was on the disk, but ${found}: records were removed`;
  return damaged({ file: markFile(dir), line: 1, sequence, what });
}
