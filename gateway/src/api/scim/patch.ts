import { isDeepStrictEqual } from 'node:util';
import type { Attribute } from './attributes.ts';
import { type Document, elementOf, extensionOf, isObject, type Json, MAX_MEMBERS, readValue } from './document.ts';
import type { Filter } from './filter.ts';
import { elementMatcher } from './filter-match.ts';
import { parsePath, type Target } from './patch-path.ts';
import { bad, quoted } from './problem.ts';
import type { ResourceType } from './resource-type.ts';

type Op = 'add' | 'remove' | 'replace';
type Draft = Record<string, Json>;

interface Operation {
  readonly op: Op;
  readonly path: string | undefined;
  readonly value: unknown;
}

const MAX_OPERATIONS = 200;
const ops: readonly string[] = ['add', 'remove', 'replace'];

/** A resource after all operations of a PATCH; the given one stays as it is. @throws ScimProblem @see RFC 7644, 3.5.2 */
export function patched(type: ResourceType, document: Document, body: unknown): Document {
  const draft: Draft = structuredClone(document) as Draft;
  for (const operation of operationsOf(body)) perform(type, draft, operation);
  return draft;
}

function operationsOf(body: unknown): readonly Operation[] {
  const listed = isObject(body) ? (body['Operations'] ?? body['operations']) : undefined;
  if (!Array.isArray(listed) || listed.length === 0) throw bad('invalidSyntax', 'Operations are missing');
  if (listed.length > MAX_OPERATIONS) throw bad('invalidSyntax', `a PATCH has ${MAX_OPERATIONS} operations at most`);
  return listed.map((each: unknown) => {
    const { op, path, value } = isObject(each) ? each : {};
    // Entra ID writes "Add".
    const verb = typeof op === 'string' ? op.toLowerCase() : '';
    if (!ops.includes(verb)) throw bad('invalidSyntax', 'an operation is "add", "remove" or "replace"');
    if (path !== undefined && path !== null && typeof path !== 'string') throw bad('invalidPath', 'a path is a text');
    return { op: verb as Op, path: path ?? undefined, value };
  });
}

function perform(type: ResourceType, draft: Draft, { op, path, value }: Operation): void {
  if (path !== undefined && path !== '') return apply(draft, op, parsePath(type, path), value);
  if (op === 'remove') throw bad('noTarget', 'a removal needs a path');
  if (!isObject(value)) throw bad('invalidValue', 'without a path the value is an object of attributes');
  for (const [key, each] of Object.entries(value)) {
    // Keys are paths too, as Entra ID writes them; what a server alone writes is sent along by Okta.
    const target = parsePath(type, key);
    if (target.kind === 'attribute' && target.place.attribute.mutability === 'readOnly') continue;
    if (key.toLowerCase() !== 'schemas') apply(draft, op, target, each);
  }
}

function apply(draft: Draft, op: Op, target: Target, value: unknown): void {
  if (target.kind === 'unknown') return;
  if (target.kind === 'extension') return applyExtension(draft, op, target.schema, value);
  const { place, where } = target;
  const { attribute, extension, sub } = place;
  if (attribute.mutability === 'readOnly') throw bad('mutability', `${attribute.name} is not changed by clients`);
  const holder = extension === undefined ? draft : partsAt(draft, extension);
  if (attribute.multiValued) applyValues(holder, op, attribute, sub, where, value);
  else if (sub === undefined) applySingle(holder, op, attribute, value);
  else {
    const parts = partsAt(holder, attribute.name);
    applySingle(parts, op, sub, value);
    if (Object.keys(parts).length === 0) delete holder[attribute.name];
  }
  if (extension !== undefined && Object.keys(holder).length === 0) delete draft[extension];
}

function applyExtension(draft: Draft, op: Op, schema: Parameters<typeof extensionOf>[0], value: unknown): void {
  const given = op === 'remove' ? undefined : extensionOf(schema, value);
  if (op === 'remove') delete draft[schema.id];
  else if (given !== undefined) draft[schema.id] = { ...partsAt(draft, schema.id), ...given };
}

/** Parts of a complex attribute merge; a simple one is set. */
function applySingle(holder: Draft, op: Op, attribute: Attribute, value: unknown): void {
  const { name, type } = attribute;
  const read = op === 'remove' ? undefined : readValue(attribute, value);
  if (read === undefined || read === '') delete holder[name];
  else if (type === 'complex') holder[name] = { ...partsAt(holder, name), ...(read as Document) };
  else holder[name] = read;
}

function applyValues(
  holder: Draft,
  op: Op,
  attribute: Attribute,
  sub: Attribute | undefined,
  where: Filter | undefined,
  value: unknown,
): void {
  const values = listAt(holder, attribute.name);
  const after =
    where === undefined && sub === undefined
      ? changedList(values, op, attribute, value)
      : changedElements(values, op, attribute, sub, where, value);
  if (after.length > MAX_MEMBERS) throw bad('invalidValue', `${attribute.name} has ${MAX_MEMBERS} values at most`);
  if (after.length === 0) delete holder[attribute.name];
  else holder[attribute.name] = after as Json;
}

function changedList(values: readonly Document[], op: Op, attribute: Attribute, value: unknown): readonly Document[] {
  const given = (readValue(attribute, value) ?? []) as readonly Document[];
  if (op === 'replace') return onePrimary(distinct(given), given);
  if (op === 'add') return onePrimary(distinct([...values, ...given]), given);
  // Entra ID lists what is to go as the value; without one all go. RFC 7644, 3.5.2.2
  if (value === undefined || value === null) return [];
  const gone = new Set(given.map(keyOf));
  return values.filter((each) => !gone.has(keyOf(each)));
}

function changedElements(
  values: readonly Document[],
  op: Op,
  attribute: Attribute,
  sub: Attribute | undefined,
  where: Filter | undefined,
  value: unknown,
): readonly Document[] {
  const isMeant = where === undefined ? () => true : elementMatcher(where, attribute);
  if (op === 'remove' && sub === undefined) return values.filter((each) => !isMeant(each));
  const found = values.filter(isMeant);
  const made = found.length === 0 && op !== 'remove' ? elementFor(where, attribute) : undefined;
  const changed = (each: Document): Document => {
    if (sub === undefined) return { ...each, ...(elementOf(attribute, value) as Document | undefined) };
    const parts: Draft = { ...each };
    applySingle(parts, op, sub, value);
    return parts;
  };
  const touched = made === undefined ? found.map(changed) : [changed(made)];
  const all =
    made === undefined ? values.map((each) => (isMeant(each) ? changed(each) : each)) : [...values, ...touched];
  return onePrimary(distinct(all.filter((each) => Object.keys(each).length > 0)), touched);
}

/** The value that a filter such as `type eq "work"` describes: Entra ID sets parts of values that are not there yet. */
function elementFor(where: Filter | undefined, attribute: Attribute): Document {
  const terms = where === undefined ? [] : where.kind === 'and' ? where.of : [where];
  const parts: Draft = {};
  for (const term of terms) {
    const sub =
      term.kind === 'compare' && term.by === 'eq' ? attribute.subAttributes?.find(isNamed(term.path)) : undefined;
    if (sub === undefined || term.kind !== 'compare') {
      throw bad('noTarget', `no value of ${attribute.name} fits the filter`);
    }
    const read = readValue(sub, term.to);
    if (read !== undefined) parts[sub.name] = read;
  }
  // Of people who are not there none can be made by changing parts of them.
  if (attribute.name === 'members') throw bad('noTarget', `no member fits ${quoted(JSON.stringify(parts))}`);
  return parts;
}

const isNamed = (name: string) => (attribute: Attribute) => attribute.name.toLowerCase() === name.toLowerCase();

const keyOf = ({ value, ...rest }: Document): string =>
  typeof value === 'string' ? value : JSON.stringify({ value, ...rest });

/** Members by their id, other values as a whole. */
function distinct(values: readonly Document[]): readonly Document[] {
  const seen = new Map<string, Document[]>();
  return values.filter((each) => {
    const known = seen.get(keyOf(each)) ?? [];
    if (known.some((other) => isDeepStrictEqual(other, each))) return false;
    seen.set(keyOf(each), [...known, each]);
    return true;
  });
}

/** The newest primary value is the only one. @see RFC 7644, 3.5.2 */
function onePrimary(values: readonly Document[], given: readonly Document[]): readonly Document[] {
  const newest = given.findLast((each) => each['primary'] === true);
  if (newest === undefined) return values;
  return values.map((each) =>
    each['primary'] === true && !isDeepStrictEqual(each, newest) ? { ...each, primary: false } : each,
  );
}

function listAt(holder: Draft, name: string): readonly Document[] {
  const value = holder[name];
  return Array.isArray(value) ? (value as readonly Document[]) : [];
}

/** The parts at a name, put there to be changed. */
function partsAt(holder: Draft, name: string): Draft {
  const value = holder[name];
  const parts: Draft = isObject(value) ? { ...(value as Document) } : {};
  holder[name] = parts;
  return parts;
}
