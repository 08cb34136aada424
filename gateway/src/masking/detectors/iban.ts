import { type Detector, type Found, isWordCode, lastLine, matches } from './detector.ts';
import { Feature } from './features.ts';

/** Characters of an IBAN by country (SWIFT, IBAN registry). */
const lengths: Readonly<Record<string, number>> = Object.fromEntries(
  `AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18
  FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20
  LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24
  SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30`
    .split(/\s+/)
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
);

const opening = /(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}/g;

/** International bank account numbers, also in groups: country, its length, ISO 7064 MOD 97-10. */
export const iban: Detector = {
  name: 'iban',
  needs: Feature.digits,
  find(text: string, found: Found): void {
    matches(opening, text, ({ index }) => {
      const length = lengths[text.slice(index, index + 2).toUpperCase()];
      const end = length === undefined ? undefined : endOf(text, index, length);
      if (end !== undefined) found(index, end);
    });
  },
  unfinishedFrom(text: string): number {
    const from = lastLine(text, MAX_CHARACTERS);
    const tail = text.slice(from);
    for (const { index, 1: country = '' } of tail.matchAll(cutOff)) {
      if (country.length < 2 || lengths[country.toUpperCase()] !== undefined) return from + index;
    }
    return text.length;
  },
};

/** Of the longest, with a separator behind each. */
const MAX_CHARACTERS = 2 * 33;
const cutOff = /(?<![A-Za-z0-9])([A-Za-z]{1,2})(?:$|(?<=[A-Za-z]{2})\d(?:$|\d(?=(?:[ -]?[A-Za-z0-9]){0,30}[ -]?$)))/g;

/** Where `length` characters end, single spaces or hyphens between groups not counted; undefined: no IBAN. */
function endOf(text: string, start: number, length: number): number | undefined {
  let compact = '';
  let at = start;
  while (compact.length < length) {
    const code = text.charCodeAt(at);
    if (isWordCode(code)) compact += text[at];
    else if ((code !== 0x20 && code !== 0x2d) || !isWordCode(text.charCodeAt(at + 1))) return undefined;
    at++;
  }
  return !isWordCode(text.charCodeAt(at)) && mod97(compact.slice(4) + compact.slice(0, 4)) === 1 ? at : undefined;
}

function mod97(text: string): number {
  let rest = 0;
  for (const character of text) {
    const value = Number.parseInt(character, 36);
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return rest;
}
