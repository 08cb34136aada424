import type { ReplyHead } from '@sallyport/shared/wire/http/frames.ts';
import { onlyValueOf, valuesOf, without } from '@sallyport/shared/wire/http/headers.ts';
import type { Veil } from '../../protocol.ts';
import type { DialectRequest, Filter, Reply } from '../dialect.ts';
import { EventVeil } from './events.ts';
import { JsonVeil } from './json.ts';
import { textFilter } from './text.ts';
import { unreadable } from './unreadable.ts';

/** Tells the length, or a hash, of what is hidden. */
const telling = ['content-length', 'content-md5', 'digest', 'content-digest', 'repr-digest', 'accept-ranges'];

const json = /^application\/(?:[\w.+-]+\+)?(?:json|x-ndjson|ndjson|jsonl|json-seq|x-jsonlines)$/;

/** A reply as a veil shows it. @throws WireError where it cannot be read: nothing of it is shown then */
export function veiledReply(head: ReplyHead, { head: { method }, target }: DialectRequest, veil: Veil): Reply {
  const headers = without(head.headers, ...telling).map(
    ([name, value]) =>
      [name, veil.inspects ? veil.inspect(Buffer.from(value, 'latin1')).toString('latin1') : value] as const,
  );
  const shown = { ...head, headers };
  if (method === 'HEAD' || head.status === 204 || head.status === 304) return { head: shown };
  if (valuesOf(head.headers, 'content-encoding').some((coding) => coding.toLowerCase() !== 'identity')) {
    throw unreadable('it is compressed');
  }
  if (head.status === 206) throw unreadable('it is a part of the whole');
  if (onlyValueOf(head.headers, 'content-length') === '0') return { head: shown };
  return { head: shown, body: filterOf(head, veil, target.path) };
}

function filterOf({ headers }: ReplyHead, veil: Veil, path: string): Filter {
  const type = (onlyValueOf(headers, 'content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  const fields = veil.fields?.(path);
  if (json.test(type)) return new JsonVeil(veil, fields ?? (() => undefined));
  if (fields === undefined) return textFilter(veil);
  if (type === 'text/event-stream') return new EventVeil(veil, fields);
  throw unreadable(`masks name fields of JSON, and it is ${type === '' ? 'of no type' : type}`);
}
