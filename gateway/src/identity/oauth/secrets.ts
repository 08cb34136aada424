import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** 256 bits, base64url. */
export const newSecret = (): string => randomBytes(32).toString('base64url');

export const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('hex');

/** Without vowels and what looks alike: nobody misreads it, and it spells nothing. @see RFC 8628, 6.1 */
const letters = 'BCDFGHJKLMNPQRSTVWXZ';

/** Eight letters in two groups: 34 bits, for ten minutes, behind a throttle. */
export function newUserCode(): string {
  let code = '';
  while (code.length < 8) {
    // 240 is the largest multiple of 20 in a byte: each letter is as likely.
    const [byte = 255] = randomBytes(1);
    if (byte < 240) code += letters[byte % letters.length];
  }
  return `${code.slice(0, 4)}-${code.slice(4)}`;
}

/** As people type it. */
export const tidyUserCode = (typed: string): string => {
  const code = typed.toUpperCase().replace(/[^A-Z]/g, '');
  return `${code.slice(0, 4)}-${code.slice(4, 8)}`;
};

/** @see RFC 7636, 4.6; only S256 */
export function provesChallenge(verifier: string, challenge: string): boolean {
  if (!/^[A-Za-z0-9._~-]{43,128}$/.test(verifier)) return false;
  const [given, wanted] = [createHash('sha256').update(verifier).digest('base64url'), challenge];
  return given.length === wanted.length && timingSafeEqual(Buffer.from(given), Buffer.from(wanted));
}

export const isChallenge = (text: string): boolean => /^[A-Za-z0-9_-]{43}$/.test(text);
