import { setImmediate } from 'node:timers/promises';
import { urns } from './attributes.ts';
import type { Document, Json } from './document.ts';
import type { Filter } from './filter.ts';
import { matcherOf, valueAt } from './filter-match.ts';
import { bad, quoted } from './problem.ts';
import type { Query } from './query.ts';
import { placeOf, type ResourceType } from './resource-type.ts';

/** Where the resources of a listing come from. `full` has all that a filter may ask. */
export interface Source<T> {
  readonly type: ResourceType;
  /** By id, in batches. */
  readonly page: (after: string, limit: number) => Promise<readonly T[]>;
  /** The few that an index finds for an equality, or undefined where there is no index for it. */
  readonly find: (path: string, value: string) => Promise<readonly T[]> | undefined;
  readonly idOf: (one: T) => string;
  readonly document: (one: T) => Promise<Document>;
  readonly shown: (one: T) => Promise<Document>;
}

const BATCH = 500;

/** @see RFC 7644, 3.4.2 @throws ScimProblem invalidFilter, invalidValue */
export async function listed<T>(source: Source<T>, query: Query): Promise<Document> {
  const { startIndex, count } = query;
  const matches = query.filter === undefined ? () => true : matcherOf(query.filter, source.type);
  const keyOf = query.sortBy === undefined ? undefined : sortKey(source.type, query.sortBy);
  const found: { readonly key: string; readonly one: T }[] = [];
  let total = 0;
  const isPaged = (at: number): boolean => at >= startIndex && at < startIndex + count;
  for await (const one of candidates(source, query.filter)) {
    const document = query.filter === undefined && keyOf === undefined ? undefined : await source.document(one);
    if (document !== undefined && !matches(document)) continue;
    total += 1;
    if (keyOf !== undefined && document !== undefined) found.push({ key: keyOf(document), one });
    else if (isPaged(total)) found.push({ key: '', one });
  }
  const paged = keyOf === undefined ? found : sorted(found, query.descending).filter((_, at) => isPaged(at + 1));
  const resources: Json[] = [];
  for (const { one } of paged) resources.push(await source.shown(one));
  return {
    schemas: [urns.listResponse],
    totalResults: total,
    startIndex,
    itemsPerPage: resources.length,
    Resources: resources,
  };
}

async function* candidates<T>(source: Source<T>, filter: Filter | undefined): AsyncGenerator<T> {
  const few = filter === undefined ? undefined : indexed(source, filter);
  if (few !== undefined) {
    yield* await few;
    return;
  }
  let after = '';
  for (;;) {
    const batch = await source.page(after, BATCH);
    yield* batch;
    const last = batch.at(-1);
    if (last === undefined || batch.length < BATCH) return;
    after = source.idOf(last);
    // A long directory is read between others' work, not before it.
    await setImmediate();
  }
}

/** Identity providers look for one by its key, for each that they know: that must not read all. */
function indexed<T>(source: Source<T>, filter: Filter): Promise<readonly T[]> | undefined {
  const terms = filter.kind === 'and' ? filter.of : [filter];
  for (const term of terms) {
    if (term.kind !== 'compare' || term.by !== 'eq' || typeof term.to !== 'string') continue;
    const place = placeOf(source.type, term.path);
    if (place === 'unknown' || !('attribute' in place) || place.extension !== undefined || place.sub !== undefined)
      continue;
    const found = source.find(place.attribute.name, term.to);
    if (found !== undefined) return found;
  }
  return undefined;
}

function sortKey(type: ResourceType, sortBy: string): (document: Document) => string {
  const place = placeOf(type, sortBy);
  if (place === 'unknown' || !('attribute' in place))
    throw bad('invalidValue', `nothing can be sorted by ${quoted(sortBy)}`);
  const { caseExact } = place.sub ?? place.attribute;
  return (document) => {
    const value = valueAt(document, place);
    const text = typeof value === 'string' ? value : typeof value === 'boolean' ? String(value) : '';
    return caseExact ? text : text.toLowerCase();
  };
}

/** What has no value comes last; whatever is equal keeps its order. @see RFC 7644, 3.4.2.3 */
function sorted<T extends { readonly key: string }>(found: readonly T[], descending: boolean): readonly T[] {
  const compare = (a: T, b: T): number => {
    if ((a.key === '') !== (b.key === '')) return (a.key === '') === descending ? -1 : 1;
    return (a.key < b.key ? -1 : a.key > b.key ? 1 : 0) * (descending ? -1 : 1);
  };
  return [...found].sort(compare);
}
