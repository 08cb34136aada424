import { type ProtocolName, protocolNames } from '@sallyport/shared/access/connection.ts';
import type { ConnectionsSpec, WhoSpec } from '@sallyport/shared/access/scope.ts';
import { hint } from '@sallyport/shared/errors/nearest.ts';
import type { PatternSpec } from './detectors/pattern.ts';
import { type As, strictness } from './treatment.ts';

/** A mask as people write it. */
export interface MaskSpec {
  /** Every connection when absent. */
  readonly connections?: ConnectionsSpec;
  /** Everyone when absent. */
  readonly who?: WhoSpec;
  /** Who sees the values all the same. */
  readonly except?: WhoSpec;
  /** `schema.table.column`, `table.column`; `*` for any characters. */
  readonly columns?: readonly string[];
  /** Names of detectors or of their families; what they find within a text is replaced, `null` takes it out. */
  readonly detect?: readonly string[];
  readonly patterns?: readonly PatternSpec[];
  /** `redact` when absent. */
  readonly as?: As;
}

export interface NamedMask {
  readonly name: string;
  readonly spec: MaskSpec;
}

const keys: Readonly<Record<string, readonly string[]>> = {
  '': ['connections', 'who', 'except', 'columns', 'detect', 'patterns', 'as'],
  'connections.': ['names', 'labels', 'protocol'],
  'who.': ['groups', 'users', 'serviceAccounts', 'any', 'actors'],
  'except.': ['groups', 'users', 'serviceAccounts', 'actors'],
};

/** @throws Error that names the wrong key or value and the nearest right one */
export function checkSpec(spec: MaskSpec): void {
  checkKeys('', spec);
  checkKeys('connections.', spec.connections);
  checkKeys('who.', spec.who);
  checkKeys('except.', spec.except);
  checkLists('', spec, ['columns', 'detect']);
  checkLists('connections.', spec.connections, ['names']);
  for (const [prefix, who] of [['who.', spec.who] as const, ['except.', spec.except] as const]) {
    checkLists(prefix, who, ['groups', 'users', 'serviceAccounts', 'actors']);
    if (who !== undefined && isEmpty(who)) throw new Error(`${prefix.slice(0, -1)}: it names nobody; leave it out`);
  }
  for (const pattern of spec.patterns ?? []) checkNames('patterns.', pattern, ['name', 'pattern', 'flags']);
  checkWord('as', spec.as, strictness);
  checkWord('connections.protocol', spec.connections?.protocol, protocols);
  const given = [spec.columns, spec.detect, spec.patterns].reduce((sum, list) => sum + (list?.length ?? 0), 0);
  if (given === 0) throw new Error('name columns, detect or patterns: it would mask nothing');
  if (spec.connections?.names?.length === 0) throw new Error('connections.names: it names none; leave it out for all');
}

const protocols: readonly ProtocolName[] = protocolNames;

function checkWord(key: string, word: string | undefined, right: readonly string[]): void {
  if (word === undefined || right.includes(word)) return;
  throw new Error(`${key}: ${word} is not known; ${hint(String(word), right)}`);
}

function checkKeys(prefix: string, value: object | undefined): void {
  if (value !== undefined) checkNames(prefix, value, keys[prefix] ?? []);
}

function checkNames(prefix: string, value: object, right: readonly string[]): void {
  for (const key of Object.keys(value)) {
    if (!right.includes(key)) throw new Error(`${prefix}${key} is no key of a mask; ${hint(key, right)}`);
  }
}

/** A text in a list's place would be searched for parts of names. */
function checkLists(prefix: string, value: object | undefined, lists: readonly string[]): void {
  for (const [key, list] of Object.entries(value ?? {})) {
    if (!lists.includes(key) || list === undefined) continue;
    const isList = Array.isArray(list) && list.every((item) => typeof item === 'string' && item !== '');
    if (!isList) throw new Error(`${prefix}${key}: write a list of names`);
  }
}

function isEmpty({ any, groups, users, serviceAccounts }: WhoSpec): boolean {
  return any !== true && [groups, users, serviceAccounts].every((list) => (list?.length ?? 0) === 0);
}
