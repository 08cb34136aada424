import type { Format } from '@sallyport/shared/wire/postgres/types.ts';
import type { Asked } from './asked.ts';
import type { Occurrence, StatementOccurrence } from './events.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Longer texts are not remembered. */
const MAX_KEY_CHARS = 4_000;

/** A `request` entry: the statement as it is shown, and what is needed to read its answer. */
export function statementOf(payload: Buffer, number: number): { shown: StatementOccurrence; asked: Asked } {
  const fields = parse(payload);
  const { parameters, masks, resultFormats } = fields;
  const text = textOf(fields, 'text');
  const shown: StatementOccurrence = {
    type: 'statement',
    number,
    ...optional('text', text),
    ...(Array.isArray(parameters)
      ? { parameters: parameters.map((each) => (each === null ? null : String(each))) }
      : {}),
    ...optional('kind', textOf(fields, 'kind')),
    ...optional('verdict', textOf(fields, 'verdict')),
    ...optional('verb', textOf(fields, 'verb')),
    ...optional('rule', textOf(fields, 'rule')),
    ...(Array.isArray(masks) ? { masks: masks.map(String) } : {}),
  };
  const formats = Array.isArray(resultFormats) ? resultFormats.map((each): Format => (each === 1 ? 1 : 0)) : undefined;
  const key = text !== undefined && text.length <= MAX_KEY_CHARS ? text : undefined;
  return { shown, asked: { number, text: key, unseen: text === undefined, resultFormats: formats } };
}

/** A `note` entry; undefined where it is of no kind that is shown. */
export function noteOf(payload: Buffer): Occurrence | undefined {
  const fields = parse(payload);
  const rule = optional('rule', textOf(fields, 'rule'));
  const message = textOf(fields, 'message');
  switch (fields['type']) {
    case 'refused':
      return {
        type: 'refused',
        ...optional('text', textOf(fields, 'text')),
        ...rule,
        reason: textOf(fields, 'reason') ?? '',
        message: message ?? '',
        ...optional('hint', textOf(fields, 'hint')),
      };
    case 'approval':
      return {
        type: 'approval',
        id: textOf(fields, 'id') ?? '',
        state: textOf(fields, 'state') ?? '',
        ...rule,
        ...optional('message', message),
        ...optional('text', textOf(fields, 'text')),
      };
    case 'truncated':
      return { type: 'truncated' };
    default:
      return undefined;
  }
}

function parse(payload: Buffer): Fields {
  const value: unknown = JSON.parse(payload.toString('utf8'));
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

function textOf(fields: Fields, name: string): string | undefined {
  const value = fields[name];
  return typeof value === 'string' ? value : undefined;
}

function optional<K extends string>(name: K, text: string | undefined): { readonly [k in K]?: string } {
  return (text === undefined ? {} : { [name]: text }) as { readonly [k in K]?: string };
}
