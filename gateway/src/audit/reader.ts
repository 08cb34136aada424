import { Chain, type JournalRecord, recordOf, sequenceOf } from './chain.ts';
import { linesBackwards, linesOf, withFile } from './lines.ts';
import { damaged, parseHeader, type Segment } from './segment.ts';

/** The files of a journal, as far as they may be read. Both grow. */
export interface Shelf {
  readonly segments: readonly Segment[];
  sizeOf(index: number): number;
  closed(): boolean;
}

/** Calls `wake` once at the next news; returns what takes the wish back. */
type Subscribe = (wake: () => void) => () => void;

/** @see Journal.read */
export async function* readForwards(
  shelf: Shelf,
  { after = 0, follow = false, signal }: { after?: number; follow?: boolean; signal?: AbortSignal },
  subscribe: Subscribe,
): AsyncGenerator<JournalRecord> {
  let index = Math.max(
    0,
    shelf.segments.findLastIndex(({ first }) => first <= after + 1),
  );
  for (;;) {
    yield* readSegment(shelf, index, after, follow, signal, subscribe);
    if (signal?.aborted === true || index + 1 >= shelf.segments.length) return;
    index += 1;
  }
}

async function* readSegment(
  shelf: Shelf,
  index: number,
  after: number,
  follow: boolean,
  signal: AbortSignal | undefined,
  subscribe: Subscribe,
): AsyncGenerator<JournalRecord> {
  const { file } = shelf.segments[index] as Segment;
  const place = { chain: undefined as Chain | undefined, offset: 0, line: 0 };
  yield* withFile(file, async function* (handle) {
    for (;;) {
      const before = place.offset;
      for await (const { lines, next } of linesOf(handle, place.offset, () => shelf.sizeOf(index))) {
        place.offset = next;
        for (const line of lines) {
          if (signal?.aborted === true) return;
          const record = step(place, file, line, after);
          if (record !== undefined) yield record;
        }
      }
      if (place.offset < shelf.sizeOf(index)) {
        if (place.offset === before) throw damaged({ ...at(file, place), what: 'the file was cut off here' });
        continue;
      }
      const last = index + 1 >= shelf.segments.length;
      if (!follow || !last || shelf.closed() || signal?.aborted === true) return;
      await news(subscribe, signal);
    }
  });
}

const at = (file: string, { line, chain }: { line: number; chain: Chain | undefined }) => ({
  file,
  line: line + 1,
  sequence: chain === undefined ? undefined : chain.sequence + 1,
});

function step(
  place: { chain: Chain | undefined; line: number },
  file: string,
  line: Buffer,
  after: number,
): JournalRecord | undefined {
  place.line += 1;
  if (place.chain === undefined) {
    const header = parseHeader(line.toString('latin1'));
    if (header === undefined) throw damaged({ file, line: 1, sequence: undefined, what: 'this is no header' });
    place.chain = new Chain({ sequence: header.first - 1, hash: header.previous });
    return undefined;
  }
  const what = place.chain.take(line);
  const { sequence } = place.chain;
  if (what !== undefined) throw damaged({ file, line: place.line, sequence: sequence + 1, what });
  return sequence > after ? recordOf(line, sequence) : undefined;
}

function news(subscribe: Subscribe, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      signal?.removeEventListener('abort', done);
      unsubscribe();
      resolve();
    };
    const unsubscribe = subscribe(done);
    signal?.addEventListener('abort', done, { once: true });
  });
}

/** @see Journal.readBackwards */
export async function* readBackwards(shelf: Shelf): AsyncGenerator<JournalRecord> {
  for (let index = shelf.segments.length - 1; index >= 0; index--) {
    const { file } = shelf.segments[index] as Segment;
    const size = shelf.sizeOf(index);
    for await (const { lines } of withFile(file, (handle) => linesBackwards(handle, size))) {
      for (const line of lines) {
        const sequence = sequenceOf(line);
        // The header is no record.
        if (sequence !== undefined) yield recordOf(line, sequence);
      }
    }
  }
}
