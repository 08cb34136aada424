import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Veil } from '../../protocol.ts';
import { hideValues } from './objects.ts';

const veil: Veil = {
  inspects: true,
  protects: true,
  suspects: () => true,
  unknown: { mask: 'm', as: 'redact' },
  treatment: ([namespace, resource, key]) =>
    namespace === 'shop' && resource === 'secrets' && key === 'data' ? { mask: 'm', as: 'redact' } : undefined,
  mayProtect: () => true,
  replace: () => Buffer.from('[redacted]'),
  inspect: (text) => (text.includes('4111') ? Buffer.from('[card]') : text),
  stream: () => {
    throw new Error('not here');
  },
};
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const secret = (namespace: string, more = {}) => ({
  kind: 'Secret',
  metadata: { namespace, name: 's', ...more },
  data: { password: base64('hunter2') },
  stringData: { plain: 'hunter2' },
  type: 'Opaque',
});
const shown = (value: unknown): string => {
  hideValues(value, veil);
  return JSON.stringify(value);
};

describe('values of Secrets', () => {
  for (const [name, value] of Object.entries({
    alone: secret('shop'),
    'in a list': { kind: 'SecretList', items: [{ ...secret('shop'), kind: undefined }] },
    'in a mixed list': { kind: 'List', items: [secret('shop')] },
    'in a watch event': { type: 'ADDED', object: secret('shop') },
    'in a table': { kind: 'Table', rows: [{ cells: ['s', 'Opaque', 1], object: secret('shop') }] },
    'in a table in a watch event': {
      type: 'ADDED',
      object: { kind: 'Table', rows: [{ cells: [], object: secret('shop') }] },
    },
    'in what was applied last': secret('shop', {
      annotations: { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(secret('shop')) },
    }),
    'in what was applied last and cannot be read': secret('shop', {
      annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{"data":{"password":"hunter2"' },
    }),
  })) {
    it(`${name}: hidden, and still of their form`, () => {
      const text = shown(value);
      assert.ok(!text.includes('hunter2') && !text.includes(base64('hunter2')), text);
      assert.ok(text.includes(base64('[redacted]')));
    });
  }

  it('elsewhere they stay as they are, but for what detectors find', () => {
    const other = secret('other');
    assert.ok(shown(other).includes(base64('hunter2')));
    const card = { kind: 'ConfigMap', metadata: { namespace: 'other' }, data: { pay: 'card 4111' } };
    assert.ok(shown(card).includes('[card]'));
    assert.ok(shown({ kind: 'Pod', metadata: { namespace: 'shop' }, data: { a: 'b' } }).includes('"a":"b"'));
  });
});
