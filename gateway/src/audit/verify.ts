import { statSync } from 'node:fs';
import { Chain } from './chain.ts';
import { linesOf, withFile } from './lines.ts';
import { markFile, readMark } from './mark.ts';
import { headerProblem } from './opening.ts';
import { type Head, type Header, listSegments, type Problem, parseHeader, type Segment } from './segment.ts';

/** What a full check of a journal found. `head` is the last record that is right. */
export interface Verification {
  readonly records: number;
  readonly segments: number;
  readonly head: Head;
  readonly problem?: Problem;
}

interface Progress {
  opening: Header | undefined;
  chain: Chain | undefined;
  records: number;
}

/**
 * Checks every record of a journal, in bounded memory, and stops at the first that was changed, removed, moved or cut.
 * `head` is a record known from elsewhere (a living journal's head, or `ce-sequence` and `ce-hash` of an event that
 * NATS keeps): it must be found as stated, and what is written behind it while the check runs is left alone.
 */
export async function verifyJournal(dir: string, { head }: { head?: Head } = {}): Promise<Verification> {
  const mark = readMark(dir);
  const segments = listSegments(dir);
  const progress: Progress = { opening: undefined, chain: undefined, records: 0 };
  let problem: Problem | undefined;
  for (let i = 0; i < segments.length && problem === undefined; i++) {
    problem = await checkSegment(segments[i] as Segment, i === segments.length - 1, progress, head);
    if (head !== undefined && progress.chain !== undefined && progress.chain.sequence >= head.sequence) break;
  }
  const found = { sequence: progress.chain?.sequence ?? 0, hash: progress.chain?.hash ?? '' };
  const last = segments.at(-1)?.file ?? dir;
  problem ??= missing(head, found, last) ?? (head === undefined ? missing(mark, found, markFile(dir)) : undefined);
  const result = { records: progress.records, segments: segments.length, head: found };
  return problem === undefined ? result : { ...result, problem };
}

async function checkSegment(
  { file, first }: Segment,
  isLast: boolean,
  progress: Progress,
  head: Head | undefined,
): Promise<Problem | undefined> {
  const size = statSync(file).size;
  let [line, end] = [0, 0];
  try {
    for await (const { lines, next } of withFile(file, (handle) => linesOf(handle, 0, () => size))) {
      for (const bytes of lines) {
        line += 1;
        const what = line === 1 ? enter(progress, parseHeader(bytes.toString('latin1')), first) : take(progress, bytes);
        if (what !== undefined) return { file, line, sequence: upcoming(progress), what };
        if (progress.chain?.sequence === head?.sequence) return undefined;
      }
      end = next;
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { file, line: line + 1, sequence: upcoming(progress), what: error.message };
  }
  if (line === 0) return { file, line: 1, sequence: first, what: 'the file has no header' };
  if (end === size || (isLast && head !== undefined)) return undefined;
  return { file, line: line + 1, sequence: upcoming(progress), what: 'the last record is not complete: it was cut' };
}

const upcoming = ({ chain }: Progress): number | undefined => (chain === undefined ? undefined : chain.sequence + 1);

/** A header must continue the record before it. */
function enter(progress: Progress, header: Header | undefined, first: number): string | undefined {
  const wrong = headerProblem(header, first, progress.opening);
  if (wrong !== undefined || header === undefined) return wrong;
  const { chain } = progress;
  if (chain === undefined) {
    progress.opening = header;
    progress.chain = new Chain({ sequence: 0, hash: header.previous });
    return undefined;
  }
  if (first !== chain.sequence + 1) {
    return `the file begins with record ${first}, but the one before it ends with ${chain.sequence}: records are missing`;
  }
  return header.previous === chain.hash ? undefined : 'the file does not continue the one before it: one was changed';
}

function take(progress: Progress, line: Buffer): string | undefined {
  const what = (progress.chain as Chain).take(line);
  if (what === undefined) progress.records += 1;
  return what;
}

function missing(known: Head | undefined, found: Head, file: string): Problem | undefined {
  if (known === undefined || known.sequence === 0) return undefined;
  const where = { file, line: 1, sequence: known.sequence };
  if (found.sequence < known.sequence) {
    return { ...where, what: `record ${known.sequence} was written, but the journal ends with ${found.sequence}` };
  }
  if (found.sequence > known.sequence || found.hash === known.hash) return undefined;
  return { ...where, what: `record ${known.sequence} is not the one that is known: the journal was rewritten` };
}
