import type { Attribute, Schema } from './attributes.ts';
import { bad, quoted } from './problem.ts';
import { named, placeOf, type ResourceType } from './resource-type.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** A resource with the names of its schema; what has no value is not there. */
export type Document = { readonly [name: string]: Json };

/** UTF-16 units of one text. */
const MAX_TEXT = 2048;
const MAX_VALUES = 100;
/** Members of one group. */
export const MAX_MEMBERS = 50_000;

export const isObject = (value: unknown): value is { readonly [key: string]: unknown } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * What a client sent, in the schema's names and types. What only the server writes is left out, and so is what no schema
 * knows. @throws ScimProblem invalidSyntax, invalidValue @see RFC 7644, 3.3
 */
export function documentOf(type: ResourceType, input: unknown): Document {
  if (!isObject(input)) throw bad('invalidSyntax', 'the body is no JSON object');
  const document: Record<string, Json> = {};
  for (const [key, value] of Object.entries(input)) {
    const place = placeOf(type, key);
    if (place === 'unknown') continue;
    if ('extension' in place && !('attribute' in place)) {
      const parts = extensionOf(place.extension, value);
      if (parts !== undefined) document[place.extension.id] = parts;
      continue;
    }
    const { attribute, extension, sub } = place;
    if (extension !== undefined || sub !== undefined || attribute.mutability === 'readOnly') continue;
    const read = readValue(attribute, value);
    if (read !== undefined) document[attribute.name] = read;
  }
  return document;
}

export function extensionOf(schema: Schema, value: unknown): Document | undefined {
  if (value === null) return undefined;
  if (!isObject(value)) throw bad('invalidValue', `${schema.id} is no object`);
  return partsOf(schema.attributes, value, schema.name);
}

/** Undefined: no value. @throws ScimProblem invalidValue */
export function readValue(attribute: Attribute, value: unknown): Json | undefined {
  if (value === null || value === undefined) return undefined;
  if (!attribute.multiValued) return elementOf(attribute, value);
  const values = [value].flat();
  const most = attribute.name === 'members' ? MAX_MEMBERS : MAX_VALUES;
  if (values.length > most) throw bad('invalidValue', `${attribute.name} has ${most} values at most`);
  const read = values.map((each) => elementOf(attribute, each)).filter((each) => each !== undefined);
  return read.length === 0 ? undefined : read;
}

/** One value. Entra ID says "False", and gives an id where an object with one is meant. */
export function elementOf(attribute: Attribute, value: unknown): Json | undefined {
  const { name, type, subAttributes = [] } = attribute;
  if (value === null || value === undefined) return undefined;
  if (type === 'boolean') return flagOf(name, value);
  if (type !== 'complex') return textOf(name, value);
  if (isObject(value)) return partsOf(subAttributes, value, name);
  if (typeof value === 'string' && named(subAttributes, 'value') !== undefined) return { value: textOf(name, value) };
  throw bad('invalidValue', `${name} is an object`);
}

function partsOf(attributes: readonly Attribute[], value: { readonly [key: string]: unknown }, of: string) {
  const parts: Record<string, Json> = {};
  for (const [key, each] of Object.entries(value)) {
    const attribute = named(attributes, key);
    if (attribute === undefined || attribute.mutability === 'readOnly') continue;
    const read = readValue({ ...attribute, name: attribute.name }, each);
    if (read !== undefined) parts[attribute.name] = read;
  }
  return Object.keys(parts).length === 0 && of !== 'members' ? undefined : parts;
}

function flagOf(name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'string' && /^true$/i.test(value)) return true;
  if (typeof value === 'string' && /^false$/i.test(value)) return false;
  throw bad('invalidValue', `${name} is true or false`);
}

function textOf(name: string, value: unknown): string {
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'string') throw bad('invalidValue', `${name} is a text`);
  if (value.length > MAX_TEXT) throw bad('invalidValue', `${name} has ${MAX_TEXT} characters at most`);
  return value;
}

const MAX_NAME = 255;

/** The name that people and rules know something by. @throws ScimProblem invalidValue */
export function nameOf(document: Document, attribute: 'userName' | 'displayName'): string {
  const name = document[attribute];
  if (typeof name !== 'string' || name.trim() === '') throw bad('invalidValue', `${attribute} is missing`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (name.length > MAX_NAME || /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(name)) {
    throw bad(
      'invalidValue',
      `${attribute} ${quoted(name)} has more than ${MAX_NAME} characters, or control characters`,
    );
  }
  return name;
}

export function externalIdOf(document: Document): string | undefined {
  const id = document['externalId'];
  if (id === undefined || id === '' || typeof id !== 'string') return undefined;
  if (id.length > MAX_NAME) throw bad('invalidValue', `externalId has ${MAX_NAME} characters at most`);
  return id;
}
