import { WireError } from '@sallyport/shared/errors/errors.ts';
import type { ReplyHead } from '@sallyport/shared/wire/http/frames.ts';
import { valuesOf, without } from '@sallyport/shared/wire/http/headers.ts';
import type { Veil } from '../../protocol.ts';
import type { DialectRequest, Filter, Reply } from '../dialect.ts';
import { textFilter } from './text.ts';

/** Tells the length, or a hash, of what is hidden. */
const telling = ['content-length', 'content-md5', 'digest', 'content-digest', 'repr-digest', 'accept-ranges'];

/** A reply as a veil shows it. @throws WireError where it cannot be read: nothing of it is shown then */
export function veiledReply(head: ReplyHead, { head: { method } }: DialectRequest, veil: Veil): Reply {
  const shown = { ...head, headers: without(head.headers, ...telling) };
  if (method === 'HEAD' || head.status === 204 || head.status === 304) return { head: shown };
  if (valuesOf(head.headers, 'content-encoding').some((coding) => coding.toLowerCase() !== 'identity')) {
    throw unreadable('it is compressed');
  }
  if (head.status === 206) throw unreadable('it is a part of the whole');
  const body: Filter = textFilter(veil);
  return { head: shown, body };
}

export const unreadable = (why: string): WireError =>
  new WireError('ERR_WIRE_UNSUPPORTED', `A mask applies to you here, and the target's answer cannot be read: ${why}.`);
