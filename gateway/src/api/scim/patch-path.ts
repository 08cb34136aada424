import type { Schema } from './attributes.ts';
import { type Filter, parseFilter } from './filter.ts';
import { MAX_FILTER_CHARS } from './filter-tokens.ts';
import { bad, quoted } from './problem.ts';
import { type Place, placeOf, type ResourceType } from './resource-type.ts';

/** What an operation is about. */
export type Target =
  | { readonly kind: 'extension'; readonly schema: Schema }
  | { readonly kind: 'attribute'; readonly place: Place; readonly where: Filter | undefined }
  /** Well written, of something that is not kept here. */
  | { readonly kind: 'unknown' };

const shape = /^([A-Za-z][A-Za-z0-9_$:.-]*?)(?:\[(.*)\](?:\.([A-Za-z$][A-Za-z0-9_$-]*))?)?$/s;

/** `attribute`, `attribute.sub`, `attribute[filter]`, `attribute[filter].sub`. @throws ScimProblem invalidPath @see RFC 7644, 3.5.2 */
export function parsePath(type: ResourceType, path: string): Target {
  const [whole, name = '', where, sub] = (path.length <= MAX_FILTER_CHARS && shape.exec(path)) || [];
  if (whole === undefined) throw bad('invalidPath', `the path ${quoted(path)} cannot be read`);
  const filter = where === undefined ? undefined : filterOf(where);
  const place = placeOf(type, sub === undefined ? name : `${name}.${sub}`);
  if (place === 'unknown') return { kind: 'unknown' };
  if (!('attribute' in place)) return { kind: 'extension', schema: place.extension };
  if (filter !== undefined && !place.attribute.multiValued) {
    throw bad('invalidPath', `${place.attribute.name} has one value: no filter can choose among them`);
  }
  return { kind: 'attribute', place, where: filter };
}

function filterOf(text: string): Filter {
  try {
    return parseFilter(text);
  } catch (error) {
    throw bad('invalidPath', error instanceof Error ? error.message : String(error));
  }
}
