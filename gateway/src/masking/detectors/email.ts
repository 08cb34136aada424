import { type Detector, type Found, lastLine } from './detector.ts';
import { Feature } from './features.ts';

/** RFC 5321, 4.5.3.1: 64 for the local part; a little more is taken so that a longer one is not shown by half. */
const MAX_LOCAL = 256;

const local = /[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\x80-\xff-]/;
const domain =
  /(?:[A-Za-z0-9\x80-\xff][A-Za-z0-9\x80-\xff-]{0,62}\.){1,10}(?:[A-Za-z\x80-\xff][A-Za-z0-9\x80-\xff-]{1,62})/y;
const literal = /\[(?:\d{1,3}(?:\.\d{1,3}){3}|IPv6:[0-9A-Fa-f:.]{2,45})\]/y;

const isLocal = new Uint8Array(256).map((_, code) => (local.test(String.fromCharCode(code)) ? 1 : 0));

/** Mail addresses, with quoted local parts, international names and address literals. */
export const email: Detector = {
  name: 'email',
  needs: Feature.at,
  find(text: string, found: Found): void {
    for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
      const start = startOfLocal(text, at);
      if (start === at) continue;
      const end = endOf(domain, text, at + 1) ?? endOf(literal, text, at + 1);
      if (end !== undefined) found(start, end);
    }
  },
  unfinishedFrom(text: string): number {
    const least = lastLine(text, MAX_LOCAL + MAX_DOMAIN);
    const at = text.lastIndexOf('@');
    const before = at >= least && cutDomain.test(text.slice(at + 1)) ? startOfLocal(text, at) : text.length;
    const quote = text.lastIndexOf('"', text.endsWith('"') ? text.length - 2 : text.length);
    const quoted = quote >= Math.max(least, text.length - MAX_LOCAL) ? quote : text.length;
    return Math.min(before, quoted, startOfLocal(text, text.length));
  },
};

/** RFC 1035, 2.3.4. */
const MAX_DOMAIN = 255;
const cutDomain = /^[A-Za-z0-9\x80-\xff.[\]:-]*$/;

function startOfLocal(text: string, at: number): number {
  const least = Math.max(0, at - MAX_LOCAL);
  if (text[at - 1] === '"') {
    const quote = text.lastIndexOf('"', at - 2);
    return quote >= least && quote < at - 2 ? quote : at;
  }
  let start = at;
  while (start > least && isLocal[text.charCodeAt(start - 1) & 0xff] === 1) start--;
  return start;
}

function endOf(pattern: RegExp, text: string, from: number): number | undefined {
  pattern.lastIndex = from;
  return pattern.test(text) ? pattern.lastIndex : undefined;
}
