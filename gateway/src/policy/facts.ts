import type { CelInput } from '@bufbuild/cel';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { Action } from '@sallyport/shared/access/action.ts';
import type { Principal } from '@sallyport/shared/access/principal.ts';
import type { Place } from '@sallyport/shared/access/scope.ts';

/** Longer lists are not shown to expressions: those that read them fail, and fail closed. Entries. */
export const MAX_LIST = 256;
/** As above, for a statement's text. UTF-16 units. */
export const MAX_TEXT = 256 * 1024;
const MAX_CLAIM_DEPTH = 8;

export interface SessionFacts {
  readonly id: string;
  readonly sourceAddress: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
}

export type Facts = Record<string, CelInput>;

/** What does not change during a session. */
export function standingFacts(principal: Principal, place: Place, session: SessionFacts): Facts {
  return {
    principal: mapOf({
      name: principal.name,
      groups: listOf(principal.groups),
      claims: claim(principal.claims, 0),
      actor: actorFacts(principal),
    }),
    connection: mapOf({ name: place.name, labels: mapOf(place.labels), protocol: place.protocol }),
    session: mapOf({
      id: session.id,
      sourceAddress: session.sourceAddress,
      startedAt: timestampFromMs(session.startedAt),
    }),
  };
}

/** Always there, so that a condition that asks for it never fails: nobody has an empty name. */
function actorFacts({ actor }: Principal): CelInput {
  const { name = '', groups = [], kind = '' } = actor ?? {};
  return mapOf({ name, groups: listOf(groups), kind, via: actor?.actor?.name ?? '' });
}

/** An action that is no statement has nothing without a condition; its text is empty. */
export function actionFacts(action: Action): CelInput {
  const opening = action.kind === 'session.open';
  const rows = action.estimatedRows ?? (opening ? 0 : undefined);
  const text = action.text ?? '';
  return mapOf({
    kind: action.kind,
    verb: action.verb,
    effects: listOf(action.effects),
    text: text.length > MAX_TEXT ? undefined : text,
    tables: listOf(
      (action.tables ?? []).map(({ schema, name }) => (schema === undefined ? name : `${schema}.${name}`)),
    ),
    hasWhere: action.hasWhere ?? true,
    hasLimit: action.hasLimit ?? true,
    pty: action.pty ?? false,
    paths: listOf(action.paths ?? []),
    estimatedRows: rows !== undefined && Number.isFinite(rows) ? BigInt(Math.round(rows)) : undefined,
    parameters: listOf((action.parameters ?? []).map((parameter) => parameter ?? null)),
    ...httpFacts(action),
  });
}

/** An action that is no request has an empty method, path, host, query and body. */
function httpFacts({ http }: Action): Record<string, CelInput | undefined> {
  const { method = '', path = '', host = '', query = {} } = http ?? {};
  const body = http === undefined ? {} : http.body;
  return {
    method,
    path,
    host,
    query: mapOf(Object.fromEntries(Object.entries(query).map(([name, values]) => [name, listOf(values)]))),
    body: body === undefined ? undefined : json(body, 0),
  };
}

const MAX_BODY_DEPTH = 64;

/** The whole value or nothing: a list that is too long must not look like something else. */
function json(value: unknown, depth: number): CelInput | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (typeof value !== 'object' || depth >= MAX_BODY_DEPTH) return undefined;
  const isList = Array.isArray(value);
  const entries = Object.entries(value).map(([name, item]) => [name, json(item, depth + 1)] as const);
  if ((isList && entries.length > MAX_LIST) || entries.some(([, item]) => item === undefined)) return undefined;
  return isList ? entries.map(([, item]) => item as CelInput) : new Map(entries as [string, CelInput][]);
}

export const timeFact = (nowMs: number): CelInput => timestampFromMs(nowMs);

const listOf = (items: readonly CelInput[]): CelInput | undefined => (items.length > MAX_LIST ? undefined : [...items]);

/** A Map, so that no field is ever looked up on an object's prototype; undefined fields are left out. */
function mapOf(fields: Readonly<Record<string, CelInput | undefined>>): CelInput {
  const map = new Map<string, CelInput>();
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) map.set(name, value);
  return map;
}

function claim(value: unknown, depth: number): CelInput | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || typeof value === 'bigint')
    return value;
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (typeof value !== 'object' || depth >= MAX_CLAIM_DEPTH) return undefined;
  if (Array.isArray(value)) return listOf(value.map((item) => claim(item, depth + 1) ?? null));
  return mapOf(Object.fromEntries(Object.entries(value).map(([name, item]) => [name, claim(item, depth + 1)])));
}
