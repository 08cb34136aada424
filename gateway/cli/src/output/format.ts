import { type DescMessage, type JsonValue, type MessageShape, toJson } from '@bufbuild/protobuf';
import { stringify } from 'yaml';
import { usage } from '../failures.ts';
import { escapedJson, isDangerous } from '../terminal/escape.ts';

export type Format = 'table' | 'json' | 'yaml';

/** @throws Failure where it is none of them. */
export function formatOf(text: string): Format {
  if (text === 'table' || text === 'json' || text === 'yaml') return text;
  throw usage(`"${text}" is no output format`, 'One of: table, json, yaml');
}

export function plainOf<D extends DescMessage>(schema: D, message: MessageShape<D>): JsonValue {
  return toJson(schema, message, { alwaysEmitImplicit: true });
}

/** A whole answer. Nothing in it can command a terminal. */
export function written(value: JsonValue, format: 'json' | 'yaml'): string {
  return format === 'json' ? `${escapedJson(JSON.stringify(value, null, 2))}\n` : yaml(value);
}

/** One of many that come one after another: a line of JSON, or a YAML document. */
export function writtenLine(value: JsonValue, format: 'json' | 'yaml'): string {
  return format === 'json' ? `${escapedJson(JSON.stringify(value))}\n` : `---\n${yaml(value)}`;
}

function yaml(value: JsonValue): string {
  const text = stringify(value, { lineWidth: 0 });
  if (!isDangerous(text)) return text;
  return escapedJson(stringify(value, { lineWidth: 0, defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN' }));
}
