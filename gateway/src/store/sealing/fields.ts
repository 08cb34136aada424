import { isSealed, type Keyring, keyIdOf } from './keyring.ts';

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type Spec = { readonly [key: string]: Json };

/** A field of a kind's spec that is secret. */
export interface SecretField {
  /** Keys from the spec down. */
  readonly path: readonly string[];
  /** What only says where the secret is, and may be seen by whoever lists resources. */
  readonly reference?: RegExp;
}

export type SecretFields = Readonly<Record<string, readonly SecretField[]>>;

/** A spec with each secret that it holds in another form; `change` gets it with its field's name. */
export function withSecrets(
  spec: Spec,
  fields: readonly SecretField[],
  change: (text: string, field: string) => string,
) {
  let changed = spec;
  for (const { path, reference } of fields) {
    const value = at(changed, path);
    if (typeof value !== 'string' || value === '' || reference?.test(value) === true) continue;
    changed = put(changed, path, change(value, path.join('.')));
  }
  return changed;
}

export interface Named {
  readonly kind: string;
  readonly name: string;
}

/** Where secrets of the store stand. */
export const placeOf = ({ kind, name }: Named, field: string): readonly string[] => [kind, name, field];

export function sealedSpec(keyring: Keyring, one: Named & { readonly spec: Spec }, fields: SecretFields): Spec {
  return withSecrets(one.spec, fields[one.kind] ?? [], (text, field) => keyring.seal(text, placeOf(one, field)));
}

/** What was stored before there were keys is as it was. @throws Unavailable ERR_SECRETS_UNAVAILABLE */
export function openedSpec(keyring: Keyring, one: Named & { readonly spec: Spec }, fields: SecretFields): Spec {
  return withSecrets(one.spec, fields[one.kind] ?? [], (text, field) =>
    isSealed(text) ? keyring.open(text, placeOf(one, field)) : text,
  );
}

/** The ids of the keys that a spec's secrets are sealed with; undefined for one that is not sealed. */
export function keysOf(one: Named & { readonly spec: Spec }, fields: SecretFields): (string | undefined)[] {
  const ids: (string | undefined)[] = [];
  withSecrets(one.spec, fields[one.kind] ?? [], (text) => {
    ids.push(keyIdOf(text));
    return text;
  });
  return ids;
}

function at(spec: Json | undefined, path: readonly string[]): Json | undefined {
  let value = spec;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    value = Object.hasOwn(value, key) ? (value as Spec)[key] : undefined;
  }
  return value;
}

function put(spec: Spec, [key = '', ...rest]: readonly string[], text: string): Spec {
  return { ...spec, [key]: rest.length === 0 ? text : put(spec[key] as Spec, rest, text) };
}
