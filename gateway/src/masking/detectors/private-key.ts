import { type Detector, type Found, MAX_FIND_BYTES, matches } from './detector.ts';
import { Feature } from './features.ts';

const begin = /-----BEGIN (?:[A-Z0-9]{1,16} ){0,4}PRIVATE KEY(?: BLOCK)?-----/g;
const end = /-----END [A-Z0-9 ]{1,80}-----/y;

/** PEM's body, also as JSON and shells write it (`\n` in place of line ends, continued lines). */
const body = /[A-Za-z0-9+/=\s\\:,."'()_-]/;
const isBody = new Uint8Array(256).map((_, code) => (body.test(String.fromCharCode(code)) ? 1 : 0));

const MAX_BODY = MAX_FIND_BYTES - 256;

/** PEM private keys of any kind (RFC 7468, OpenSSH, OpenPGP); one without its end counts as far as it goes. */
export const privateKey: Detector = {
  name: 'private-key',
  needs: Feature.dashes,
  find(text: string, found: Found): void {
    let covered = 0;
    matches(begin, text, ({ index, 0: opening }) => {
      if (index < covered) return;
      covered = endOfBlock(text, index + opening.length);
      found(index, covered);
    });
  },
  unfinishedFrom(text: string): number {
    const opening = cutBegin.exec(text.slice(-MAX_BEGIN));
    const begins = opening === null ? text.length : Math.max(0, text.length - MAX_BEGIN) + opening.index;
    const isEnding = cutEnd.test(text.slice(-MAX_END));
    const from = isEnding ? text.lastIndexOf('-----BEGIN ') : -1;
    return from < 0 || text.length - from > MAX_FIND_BYTES ? begins : from;
  },
};

/** Of the first line and of the last. Characters. */
const MAX_BEGIN = 120;
const MAX_END = 96;
const cutBegin = /-{1,5}$|-----B(?:E(?:G(?:I(?:N(?: [A-Z0-9 ]{0,90}-{0,4})?)?)?)?)?$/;
const cutEnd = /-----END [A-Z0-9 ]{0,80}-{0,4}$/;

function endOfBlock(text: string, from: number): number {
  const most = Math.min(text.length, from + MAX_BODY);
  for (let at = from; at < most; at++) {
    if (text[at] === '-' && text.startsWith('-----END ', at)) {
      end.lastIndex = at;
      return end.test(text) ? end.lastIndex : at;
    }
    if (isBody[text.charCodeAt(at) & 0xff] === 0) return at;
  }
  return most;
}
