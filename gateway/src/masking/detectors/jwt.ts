import { type Detector, type Found, isWordCode, MAX_FIND_BYTES, matches } from './detector.ts';
import { Feature } from './features.ts';

/** A run that may hold a header: `{"` is `eyJ` in base64url; with white space after the brace it starts with `ew` or `ey`. */
const header = /[A-Za-z0-9_-]{10,}/g;
const part = /\.[A-Za-z0-9_-]*/y;

const MAX_HEADER = 4096;

/** Parts of a JWS; a JWE has two more (RFC 7515, 7516). */
const JWS_PARTS = 3;
const JWE_PARTS = 5;

/** JSON Web Tokens: parts of base64url, the first of which is a JSON object that names an algorithm or a type. */
export const jwt: Detector = {
  name: 'jwt',
  needs: Feature.longWord,
  find(text: string, found: Found): void {
    matches(header, text, ({ index, 0: run }) => {
      const headerEnd = index + run.length;
      if (text[headerEnd] !== '.') return;
      const offset = headerAt(run);
      if (offset < 0) return;
      const end = endOfParts(text, headerEnd);
      if (end !== undefined) found(index + offset, end);
    });
  },
  unfinishedFrom(text: string): number {
    let start = text.length;
    const least = Math.max(0, text.length - MAX_FIND_BYTES);
    for (let at = text.length - 1, dots = 0; at >= least; at--) {
      const code = text.charCodeAt(at);
      if (code === 0x2e && ++dots >= JWE_PARTS) break;
      if (code !== 0x2e && !isWordCode(code) && code !== 0x2d && code !== 0x5f) break;
      const next = text[at + 1];
      if (code === 0x65 && (next === undefined || next === 'y' || next === 'w')) start = at;
    }
    return start;
  },
};

/** Where in the run the header starts; something may be written right before it. */
function headerAt(run: string): number {
  for (let at = run.indexOf('e'), tries = 0; at >= 0 && tries < 8; at = run.indexOf('e', at + 1)) {
    if (run[at + 1] !== 'y' && run[at + 1] !== 'w') continue;
    tries++;
    if (isHeader(run.slice(at, at + MAX_HEADER))) return at;
  }
  return -1;
}

function isHeader(encoded: string): boolean {
  try {
    const value: unknown = JSON.parse(Buffer.from(encoded, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null && ('alg' in value || 'typ' in value || 'enc' in value);
  } catch {
    return false;
  }
}

function endOfParts(text: string, from: number): number | undefined {
  let at = from;
  let parts = 1;
  for (; parts < JWE_PARTS; parts++) {
    part.lastIndex = at;
    if (!part.test(text)) break;
    if (parts === 1 && part.lastIndex === at + 1) break;
    at = part.lastIndex;
  }
  return parts >= JWS_PARTS ? at : undefined;
}
