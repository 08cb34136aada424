import { SecretMissing } from './source.ts';

/** What stands behind a prefix: `PLACE#FIELD`. */
export interface Place {
  readonly place: string;
  readonly field: string | undefined;
}

/** The field starts behind the last `#`. */
export function placeOf(name: string): Place {
  const at = name.lastIndexOf('#');
  if (at < 0) return { place: name, field: undefined };
  const field = name.slice(at + 1);
  if (field === '') throw new SecretMissing('nothing stands behind the #; name the field there or leave out the #');
  return { place: name.slice(0, at), field };
}

/** A member of a secret that is an object. Says nothing of what else it has: names of fields may tell too much. */
export function memberOf(secret: Readonly<Record<string, unknown>>, field: string): string {
  const value = Object.hasOwn(secret, field) ? secret[field] : undefined;
  if (value === undefined || value === null) {
    throw new SecretMissing(`the secret is there but has no field ${field}; name the right one behind a #`);
  }
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'string') throw new SecretMissing(`the field ${field} of the secret is no text`);
  if (value === '') throw new SecretMissing(`the field ${field} of the secret is empty`);
  return value;
}

/** The whole text, or the member `field` where the text is a JSON object. */
export function fieldOf(text: string, field: string | undefined): string {
  if (field !== undefined) return memberOf(objectOf(text), field);
  if (text === '') throw new SecretMissing('the secret is empty');
  return text;
}

function objectOf(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's own message repeats the text.
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw new SecretMissing('a field is asked for, but the secret is no JSON object; leave out the # to take all of it');
}

/** @throws SecretMissing where the bytes are no UTF-8 */
export function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new SecretMissing('the secret is no text in UTF-8');
  }
}

/** A path's segments, safe to put into a URL. */
export function segmentsOf(path: string): string[] {
  const segments = path.split('/');
  for (const segment of segments) {
    if (segment === '' || segment === '.' || segment === '..') {
      throw new SecretMissing('the path has an empty segment, . or ..; write it as MOUNT/PATH without those');
    }
    // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what must not get through
    if (/[\u0000-\u001f\u007f]/.test(segment)) throw new SecretMissing('the path has a control character in it');
  }
  return segments;
}
