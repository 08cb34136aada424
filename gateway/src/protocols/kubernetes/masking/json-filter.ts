import { WireError } from '@sallyport/shared/errors/errors.ts';
import type { Filter } from '../../http/dialect.ts';
import type { Veil } from '../../protocol.ts';
import { hideValues } from './objects.ts';

/** Of an answer that is held to be looked at; of a watch event. Bytes. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
const MAX_EVENT_BYTES = 8 * 1024 * 1024;

/** JSON with what masks hide taken out: a whole answer at its end, a watch by the event. @throws WireError for what is no JSON */
export function jsonFilter(veil: Veil, isWatch: boolean): Filter {
  let held: Buffer[] = [];
  let bytes = 0;
  const most = isWatch ? MAX_EVENT_BYTES : MAX_ANSWER_BYTES;
  const take = (): Buffer => {
    const all = held.length === 1 ? (held[0] as Buffer) : Buffer.concat(held);
    held = [];
    bytes = 0;
    return all;
  };
  const keep = (part: Buffer): void => {
    if (part.length === 0) return;
    bytes += part.length;
    if (bytes > most)
      throw new WireError(
        'ERR_WIRE_TOO_LARGE',
        'The answer is too large to be looked at: ask for less, with --chunk-size or a selector',
      );
    held.push(part);
  };
  return {
    write(chunk) {
      const end = isWatch ? chunk.lastIndexOf(0x0a) + 1 : 0;
      if (end === 0) {
        keep(chunk);
        return nothing;
      }
      keep(chunk.subarray(0, end));
      const shown = take()
        .toString('utf8')
        .split('\n')
        .map((line) => (line.trim() === '' ? '' : hidden(line, veil)))
        .join('\n');
      keep(chunk.subarray(end));
      return Buffer.from(shown);
    },
    end() {
      const rest = take();
      return rest.length === 0 || rest.toString('utf8').trim() === ''
        ? nothing
        : Buffer.from(hidden(rest.toString('utf8'), veil));
    },
  };
}

const nothing = Buffer.alloc(0);

function hidden(text: string, veil: Veil): string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new WireError(
      'ERR_WIRE_MALFORMED',
      'A mask applies to you here, and the answer says that it is JSON and is none',
    );
  }
  hideValues(value, veil);
  const shown = JSON.stringify(value);
  // Names, labels, annotations, messages: whatever detectors find anywhere.
  return veil.inspects ? veil.inspect(Buffer.from(shown)).toString('utf8') : shown;
}
