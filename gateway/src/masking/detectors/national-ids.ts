import { aadhaar, bsn, codiceFiscale, cpf, dni, nir, steuerId } from './checksums.ts';
import { type Detector, matches, unfinishedForm } from './detector.ts';
import { Feature } from './features.ts';
import { unfinished } from './unfinished.ts';

const notBefore = '(?<![A-Za-z0-9])';
const notAfter = '(?![A-Za-z0-9])';

/** One form of identity number: how it looks, and what its characters (separators removed, upper case) must satisfy. */
function identity(
  name: string,
  form: string,
  isValid: (compact: string) => boolean,
  needs: number = Feature.digits,
): Detector {
  const pattern = new RegExp(`${notBefore}(?:${form})${notAfter}`, 'gi');
  const open = new RegExp(`${notBefore}(?:${unfinished(form)})$`, 'i');
  return {
    name,
    needs,
    find(text, found) {
      matches(pattern, text, ({ index, 0: match }) => {
        if (isValid(match.replace(/[ ./-]/g, '').toUpperCase())) found(index, index + match.length);
      });
    },
    unfinishedFrom: (text) => unfinishedForm(open, text),
  };
}

/** Printed in advertisements and then used by thousands: never issued to a person (SSA, "Misused SSNs"). */
const neverIssued = new Set(['078051120', '219099999']);

/** National identity numbers by the name that a mask gives; those without a checksum need their separators. */
export const nationalIds: readonly Detector[] = [
  identity(
    'us-ssn',
    '(?<!\\d-)(?!000|666|9)\\d{3}([- ])(?!00)\\d{2}\\1(?!0000)\\d{4}(?!-\\d)',
    (digits) => !neverIssued.has(digits),
  ),
  identity(
    'uk-nino',
    '(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z][ -]?\\d{2}[ -]?\\d{2}[ -]?\\d{2}[ -]?[A-D]',
    () => true,
  ),
  identity('es-dni', '(?:\\d{2}\\.?\\d{3}\\.?\\d{3}|[XYZ][ -]?\\d{7})[ -]?[A-Z]', dni),
  identity(
    'it-codice-fiscale',
    '[A-Z]{3} ?[A-Z]{3} ?[0-9L-NP-V]{2}[A-EHLMPRST][0-9L-NP-V]{2} ?[A-Z][0-9L-NP-V]{3}[A-Z]',
    codiceFiscale,
  ),
  // Letters may stand for its digits where two people would have the same one: then there are too few digits to tell.
  identity(
    'it-codice-fiscale',
    '[A-Z]{6}[0-9L-NP-V]{2}[A-EHLMPRST][0-9L-NP-V]{2}[A-Z][0-9L-NP-V]{3}[A-Z]',
    codiceFiscale,
    Feature.longWord,
  ),
  identity('fr-nir', '[1-478] ?\\d{2} ?(?:0[1-9]|1[0-2]|[2-9]\\d) ?(?:\\d{2}|2[AB]) ?\\d{3} ?\\d{3} ?\\d{2}', nir),
  identity('de-steuer-id', '[1-9]\\d ?\\d{3} ?\\d{3} ?\\d{3}', steuerId),
  identity('nl-bsn', '\\d{4}[ .]?\\d{2}[ .]?\\d{3}|\\d{3}[ .]\\d{3}[ .]\\d{3}', bsn),
  identity('br-cpf', '\\d{3}\\.?\\d{3}\\.?\\d{3}[-/ ]?\\d{2}', cpf),
  identity('in-aadhaar', '[2-9]\\d{3}([ -]?)\\d{4}\\1\\d{4}', aadhaar),
];
