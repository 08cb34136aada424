import type { Attribute } from './attributes.ts';
import type { Document, Json } from './document.ts';
import type { Comparison, Filter, Literal } from './filter.ts';
import { bad, quoted } from './problem.ts';
import { named, type Place, placeOf, type ResourceType } from './resource-type.ts';

type Test = (value: Json) => boolean;

/** Whether a resource fits. @throws ScimProblem invalidFilter where an attribute cannot be compared so */
export function matcherOf(filter: Filter, type: ResourceType): (document: Document) => boolean {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return joined(filter.kind, filter.of, (each) => matcherOf(each, type));
    case 'not': {
      const inner = matcherOf(filter.of, type);
      return (document) => !inner(document);
    }
    case 'some': {
      const place = known(type, filter.path);
      if (place === undefined) return () => false;
      const test = elementMatcher(filter.of, place.attribute);
      return (document) => listOf(valueAt(document, { ...place, sub: undefined })).some(test);
    }
    case 'present':
    case 'compare':
      return term(filter, type);
  }
}

/** Whether a value of a multi-valued attribute fits. @throws ScimProblem invalidFilter */
export function elementMatcher(filter: Filter, attribute: Attribute): Test {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return joined(filter.kind, filter.of, (each) => elementMatcher(each, attribute));
    case 'not': {
      const inner = elementMatcher(filter.of, attribute);
      return (value) => !inner(value);
    }
    case 'some':
      throw bad('invalidFilter', 'a filter of values cannot hold another one');
    case 'present':
    case 'compare': {
      const sub = named(attribute.subAttributes, filter.path);
      if (sub === undefined) return () => false;
      const test = filter.kind === 'present' ? isPresent : comparer(filter.by, filter.to, sub);
      return (value) => test(partOf(value, sub.name));
    }
  }
}

function term(filter: Extract<Filter, { kind: 'present' | 'compare' }>, type: ResourceType) {
  const place = known(type, filter.path);
  // No resource has a value of an attribute that no schema knows. RFC 7644, 3.4.2.1
  if (place === undefined) return () => filter.kind === 'compare' && filter.by === 'ne';
  // `emails eq "x"` speaks of the values of the emails.
  const { attribute } = place;
  const sub = place.sub ?? (attribute.multiValued ? named(attribute.subAttributes, 'value') : undefined);
  const compared = sub ?? attribute;
  if (filter.kind === 'compare' && compared.type === 'complex') {
    throw bad('invalidFilter', `${quoted(filter.path)} has parts: compare one of them`);
  }
  const test = filter.kind === 'present' ? isPresent : comparer(filter.by, filter.to, compared);
  return (document: Document): boolean => {
    const found = valueAt(document, { ...place, sub: undefined });
    if (!attribute.multiValued) return test(sub === undefined ? found : partOf(found, sub.name));
    return listOf(found).some((each) => test(sub === undefined ? each : partOf(each, sub.name)));
  };
}

function joined<T>(kind: 'and' | 'or', parts: readonly Filter[], make: (filter: Filter) => (value: T) => boolean) {
  const tests = parts.map(make);
  return kind === 'and'
    ? (value: T) => tests.every((test) => test(value))
    : (value: T) => tests.some((test) => test(value));
}

function known(type: ResourceType, path: string): Place | undefined {
  const place = placeOf(type, path);
  return place === 'unknown' || !('attribute' in place) ? undefined : place;
}

export function valueAt(document: Document, { extension, attribute, sub }: Place): Json {
  const holder = extension === undefined ? document : partOf(document, extension);
  const value = partOf(holder, attribute.name);
  return sub === undefined ? value : partOf(value, sub.name);
}

function partOf(value: Json | undefined, name: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  return Object.hasOwn(value, name) ? ((value as Document)[name] ?? null) : null;
}

const listOf = (value: Json): readonly Json[] => (Array.isArray(value) ? value : value === null ? [] : [value]);

/** @see RFC 7644, 3.4.2.2: `pr` */
function isPresent(value: Json): boolean {
  if (value === null || value === '') return false;
  return typeof value !== 'object' || Object.keys(value).length > 0;
}

function comparer(by: Comparison, to: Literal, attribute: Attribute): Test {
  const { type, caseExact } = attribute;
  if (type === 'boolean') return booleanTest(by, to, attribute.name);
  if (to === null) return nullTest(by);
  if (typeof to !== 'string') {
    throw bad('invalidFilter', `${attribute.name} holds text: write the value in double quotes`);
  }
  if (type === 'dateTime') return dateTest(by, to);
  const fold = (text: string): string => (caseExact ? text : text.toLowerCase());
  const wanted = fold(to);
  const test = textTests[by];
  if (by === 'ne') return (value) => typeof value !== 'string' || fold(value) !== wanted;
  return (value) => typeof value === 'string' && test(fold(value), wanted);
}

const textTests: Readonly<Record<Comparison, (value: string, wanted: string) => boolean>> = {
  eq: (value, wanted) => value === wanted,
  ne: (value, wanted) => value !== wanted,
  co: (value, wanted) => value.includes(wanted),
  sw: (value, wanted) => value.startsWith(wanted),
  ew: (value, wanted) => value.endsWith(wanted),
  gt: (value, wanted) => value > wanted,
  ge: (value, wanted) => value >= wanted,
  lt: (value, wanted) => value < wanted,
  le: (value, wanted) => value <= wanted,
};

function booleanTest(by: Comparison, to: Literal, name: string): Test {
  const wanted =
    typeof to === 'string' ? ({ true: true, false: false } as Record<string, boolean>)[to.toLowerCase()] : to;
  if ((by !== 'eq' && by !== 'ne') || (wanted !== null && typeof wanted !== 'boolean')) {
    throw bad('invalidFilter', `${name} is true or false: compare it so, with eq or ne`);
  }
  return by === 'eq' ? (value) => value === wanted : (value) => value !== wanted;
}

function nullTest(by: Comparison): Test {
  if (by === 'eq') return (value) => !isPresent(value);
  if (by === 'ne') return isPresent;
  throw bad('invalidFilter', `null can be compared with eq and ne only`);
}

/** Times as moments, whatever their notation. */
function dateTest(by: Comparison, to: string): Test {
  const wanted = Date.parse(to);
  if (Number.isNaN(wanted) || ['co', 'sw', 'ew'].includes(by)) {
    throw bad('invalidFilter', `${quoted(to)} is no time to compare with: write 2026-01-31T08:00:00Z`);
  }
  return (value) => {
    const moment = typeof value === 'string' ? Date.parse(value) : Number.NaN;
    if (by === 'ne') return moment !== wanted;
    return {
      eq: moment === wanted,
      gt: moment > wanted,
      ge: moment >= wanted,
      lt: moment < wanted,
      le: moment <= wanted,
    }[by as 'eq'];
  };
}
