// RFC 3454, tables by their numbers. C.1.2: spaces that become U+0020; B.1: what is mapped to nothing.
const SPACES = /[\u00A0\u1680\u2000-\u200B\u202F\u205F\u3000]/gu;
// biome-ignore lint/suspicious/noMisleadingCharacterClass: single code points of table B.1, none of them joined
const NOTHING = /[\u00AD\u034F\u1806\u180B-\u180D\u200C\u200D\u2060\uFE00-\uFE0F\uFEFF]/gu;
// C.2.1–C.9, and code points that no character has. C.8's U+0340 and U+0341 cannot outlive NFKC.
const PROHIBITED =
  /[\p{Cc}\p{Co}\p{Cn}\p{Cs}\u06DD\u070F\u180E\u2028\u2029\u200E\u200F\u202A-\u202E\u2061-\u2063\u206A-\u206F\u2FF0-\u2FFB\uFFF9-\uFFFD\u{1D173}-\u{1D17A}\u{E0001}\u{E0020}-\u{E007F}]/u;
// D.1: characters that run from right to left.
const RIGHT_TO_LEFT =
  /[\u05BE\u05C0\u05C3\u05D0-\u05EA\u05F0-\u05F4\u061B\u061F\u0621-\u063A\u0640-\u064A\u066D-\u066F\u0671-\u06D5\u06DD\u06E5\u06E6\u06FA-\u06FE\u0700-\u070D\u0710\u0712-\u072C\u0780-\u07A5\u07B1\u200F\uFB1D\uFB1F-\uFB28\uFB2A-\uFB36\uFB38-\uFB3C\uFB3E\uFB40\uFB41\uFB43\uFB44\uFB46-\uFBB1\uFBD3-\uFD3D\uFD50-\uFD8F\uFD92-\uFDC7\uFDF0-\uFDFC\uFE70-\uFE74\uFE76-\uFEFC]/u;

/**
 * SASLprep as PostgreSQL does it: what RFC 4013 would reject is used as it was typed.
 * Unassigned code points and left-to-right letters are those of this runtime's Unicode, not of version 3.2; that
 * matters only to a password which also has characters that normalisation changes.
 * @see RFC 4013; PostgreSQL src/common/saslprep.c
 */
export function saslPrep(password: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII, controls included, is left alone
  if (/^[\x00-\x7f]*$/.test(password)) return password;
  const mapped = password.replace(SPACES, ' ').replace(NOTHING, '').normalize('NFKC');
  if (mapped === '' || PROHIBITED.test(mapped) || breaksBidi(mapped)) return password;
  return mapped;
}

/** RFC 3454 section 6: no mixing of directions, and a right-to-left text starts and ends so. */
function breaksBidi(text: string): boolean {
  if (!RIGHT_TO_LEFT.test(text)) return false;
  const characters = [...text];
  if (characters.some((character) => /\p{L}/u.test(character) && !RIGHT_TO_LEFT.test(character))) return true;
  return !RIGHT_TO_LEFT.test(characters[0]!) || !RIGHT_TO_LEFT.test(characters.at(-1)!);
}
