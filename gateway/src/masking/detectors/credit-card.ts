import { type Detector, type Found, isDigitCode } from './detector.ts';
import { Feature } from './features.ts';

const MIN_DIGITS = 13;
const MAX_DIGITS = 19;

/** Issuer identification numbers: first and last prefix of a range, and the lengths that it issues (ISO/IEC 7812). */
const issuers: readonly (readonly [from: string, to: string, lengths: readonly number[]])[] = [
  ['4', '4', [13, 16, 19]],
  ['51', '55', [16]],
  ['2221', '2720', [16]],
  ['34', '34', [15]],
  ['37', '37', [15]],
  ['300', '305', [14, 15, 16, 17, 18, 19]],
  ['3095', '3095', [14, 15, 16, 17, 18, 19]],
  ['36', '36', [14, 15, 16, 17, 18, 19]],
  ['38', '39', [14, 15, 16, 17, 18, 19]],
  ['3528', '3589', [16, 17, 18, 19]],
  ['6011', '6011', [16, 17, 18, 19]],
  ['644', '659', [16, 17, 18, 19]],
  ['60', '60', [16]],
  ['62', '62', [16, 17, 18, 19]],
  ['81', '82', [16, 17, 18, 19]],
  ['508', '508', [16]],
  ['353', '353', [16]],
  ['356', '356', [16]],
  ['2200', '2204', [16, 17, 18, 19]],
  ['9792', '9792', [16]],
  ['5018', '5018', [13, 14, 15, 16, 17, 18, 19]],
  ['5020', '5020', [13, 14, 15, 16, 17, 18, 19]],
  ['5038', '5038', [13, 14, 15, 16, 17, 18, 19]],
  ['5893', '5893', [13, 14, 15, 16, 17, 18, 19]],
  ['6304', '6304', [13, 14, 15, 16, 17, 18, 19]],
  ['6759', '6763', [13, 14, 15, 16, 17, 18, 19]],
];

const PREFIX_DIGITS = 4;

/** By the first four digits: a bit for each length that is issued. */
const lengthsOf = new Uint32Array(10 ** PREFIX_DIGITS);
for (const [from, to, lengths] of issuers) {
  const bits = lengths.reduce((sum, length) => sum | (1 << length), 0);
  const last = Number(to.padEnd(PREFIX_DIGITS, '9'));
  for (let prefix = Number(from.padEnd(PREFIX_DIGITS, '0')); prefix <= last; prefix++) lengthsOf[prefix]! |= bits;
}

/** Payment card numbers of 13 to 19 digits, groups parted by one space or hyphen each: issuer, length and Luhn. */
export const creditCard: Detector = {
  name: 'credit-card',
  needs: Feature.digits,
  find(text: string, found: Found): void {
    let at = 0;
    while (at < text.length) {
      if (!isDigitCode(text.charCodeAt(at))) at++;
      else at = findInRun(text, at, found);
    }
  },
  unfinishedFrom(text: string): number {
    let start = text.length;
    for (let at = text.length - 1; at >= 0 && text.length - at <= MAX_CHARACTERS; at--) {
      const isDigit = isDigitCode(text.charCodeAt(at));
      if (!isDigit && !isSeparator(text.charCodeAt(at))) break;
      if (isDigit && !isDigitCode(text.charCodeAt(at - 1)) && mayBegin(text, at)) start = at;
    }
    return start;
  },
};

/** Of a number: each digit may have a separator behind it. */
const MAX_CHARACTERS = 2 * MAX_DIGITS;

/** Whether the first digits, as far as they are there, are those of an issuer. */
function mayBegin(text: string, at: number): boolean {
  const digits = text
    .slice(at, at + 2 * PREFIX_DIGITS)
    .replace(/[ -]/g, '')
    .slice(0, PREFIX_DIGITS);
  const first = Number(digits.padEnd(PREFIX_DIGITS, '0'));
  const last = Number(digits.padEnd(PREFIX_DIGITS, '9'));
  for (let prefix = first; prefix <= last; prefix++) if (lengthsOf[prefix] !== 0) return true;
  return false;
}

/** Tries every group start of one run of digits and separators; returns where the run ends. */
function findInRun(text: string, from: number, found: Found): number {
  let at = from;
  for (;;) {
    if (at > from || !isFraction(text, at)) tryFrom(text, at, found);
    while (isDigitCode(text.charCodeAt(at))) at++;
    if (!isSeparator(text.charCodeAt(at)) || !isDigitCode(text.charCodeAt(at + 1))) return at;
    at++;
  }
}

/** Digits behind a decimal point are no card. */
function isFraction(text: string, at: number): boolean {
  return text.charCodeAt(at - 1) === 0x2e && isDigitCode(text.charCodeAt(at - 2));
}

/**
 * Takes the longest number that starts here, ends where a group ends, and is a card's. Luhn's sum (ISO/IEC 7812-1,
 * annex B) doubles every second digit from the right, so both sums are kept until the length is known.
 */
function tryFrom(text: string, start: number, found: Found): void {
  let [prefix, lengths, count, end] = [0, 0, 0, -1];
  const sums = [0, 0];
  for (let at = start; count <= MAX_DIGITS; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (digit >= 0 && digit <= 9) {
      sums[count % 2]! += digit > 4 ? 2 * digit - 9 : 2 * digit;
      sums[(count + 1) % 2]! += digit;
      count++;
      if (count <= PREFIX_DIGITS) prefix = 10 * prefix + digit;
      if (count === PREFIX_DIGITS) lengths = lengthsOf[prefix]!;
      if (count >= PREFIX_DIGITS && lengths === 0) return;
      const isCard = count >= MIN_DIGITS && (lengths >> count) % 2 === 1 && sums[count % 2]! % 10 === 0;
      if (isCard && !isDigitCode(text.charCodeAt(at + 1))) end = at + 1;
    } else if (!isSeparator(digit + 48) || !isDigitCode(text.charCodeAt(at + 1))) break;
  }
  if (end >= 0) found(start, end);
}

const isSeparator = (code: number): boolean => code === 0x20 || code === 0x2d;
