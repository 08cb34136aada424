import { isObject } from './document.ts';
import { type Filter, parseFilter } from './filter.ts';
import { bad } from './problem.ts';

/** What a listing is asked for. @see RFC 7644, 3.4.2 */
export interface Query {
  readonly filter: Filter | undefined;
  readonly sortBy: string | undefined;
  readonly descending: boolean;
  /** 1-based. */
  readonly startIndex: number;
  readonly count: number;
  readonly view: View;
}

/** Which attributes are returned; lower case. @see RFC 7644, 3.9 */
export interface View {
  readonly attributes: ReadonlySet<string> | undefined;
  readonly excluded: ReadonlySet<string>;
}

export const MAX_COUNT = 200;
const DEFAULT_COUNT = 100;
const MAX_NAMES = 100;

/** @throws ScimProblem invalidFilter, invalidValue */
export function queryOf(parameters: URLSearchParams): Query {
  const filter = parameters.get('filter');
  return {
    filter: filter === null ? undefined : parseFilter(filter),
    sortBy: parameters.get('sortBy') ?? undefined,
    descending: parameters.get('sortOrder')?.toLowerCase() === 'descending',
    // Less than 1 is taken for 1, and a negative count for 0. RFC 7644, 3.4.2.4
    startIndex: Math.max(1, integer(parameters, 'startIndex', 1)),
    count: Math.min(MAX_COUNT, Math.max(0, integer(parameters, 'count', DEFAULT_COUNT))),
    view: viewOf(parameters),
  };
}

export function viewOf(parameters: URLSearchParams): View {
  const attributes = namesOf(parameters.get('attributes'));
  return {
    attributes: attributes.size === 0 ? undefined : attributes,
    excluded: namesOf(parameters.get('excludedAttributes')),
  };
}

/** The same, as a body of `.search`. @see RFC 7644, 3.4.3 */
export function parametersOf(body: unknown): URLSearchParams {
  if (!isObject(body)) throw bad('invalidSyntax', 'the body is no JSON object');
  const parameters = new URLSearchParams();
  for (const name of ['filter', 'sortBy', 'sortOrder', 'startIndex', 'count', 'attributes', 'excludedAttributes']) {
    const value = body[name];
    if (value === undefined || value === null) continue;
    if (Array.isArray(value)) parameters.set(name, value.filter((each) => typeof each === 'string').join(','));
    else if (typeof value === 'string' || typeof value === 'number') parameters.set(name, String(value));
    else throw bad('invalidValue', `${name} is a text or a number`);
  }
  return parameters;
}

function integer(parameters: URLSearchParams, name: string, fallback: number): number {
  const text = parameters.get(name);
  if (text === null || text === '') return fallback;
  if (!/^-?[0-9]{1,9}$/.test(text)) throw bad('invalidValue', `${name} is a whole number`);
  return Number(text);
}

function namesOf(text: string | null): ReadonlySet<string> {
  const names = (text ?? '').split(',').map((name) => name.trim().toLowerCase());
  return new Set(names.filter((name) => name !== '').slice(0, MAX_NAMES));
}
