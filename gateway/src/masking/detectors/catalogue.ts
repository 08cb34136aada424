import { hint } from '@sallyport/shared/errors/nearest.ts';
import { cloudKeys } from './cloud-keys.ts';
import { creditCard } from './credit-card.ts';
import type { Detector } from './detector.ts';
import { email } from './email.ts';
import { iban } from './iban.ts';
import { jwt } from './jwt.ts';
import { nationalIds } from './national-ids.ts';
import { privateKey } from './private-key.ts';

const families: Readonly<Record<string, readonly Detector[]>> = { 'cloud-key': cloudKeys, 'national-id': nationalIds };

const single = [email, creditCard, iban, jwt, privateKey, ...nationalIds, ...cloudKeys];

const byName = new Map<string, readonly Detector[]>([
  ...Object.entries(families),
  ...Map.groupBy(single, ({ name }) => name),
]);

/** Every name that `detect` may list: single detectors, and `cloud-key` and `national-id` for a whole family. */
export const detectorNames: readonly string[] = [...byName.keys()];

/** @throws Error with the nearest right name */
export function detectorsNamed(name: string): readonly Detector[] {
  const found = byName.get(name);
  if (found === undefined) throw new Error(`detect: there is no detector ${name}; ${hint(name, detectorNames)}`);
  return found;
}
