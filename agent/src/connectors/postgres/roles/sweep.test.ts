import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sweep } from './sweep.ts';

type Row = readonly (string | null)[];

/** A server that has these roles and notes which were dropped. */
function server(rows: readonly Row[], failing: readonly string[] = []) {
  const dropped: string[] = [];
  const ask = async (text: string): Promise<Row[][]> => {
    if (text.includes('from pg_roles r where r.rolname ~')) return [[...rows]];
    const [, name = ''] = /drop role "([^"]+)"/.exec(text) ?? [];
    if (failing.includes(name)) throw new Error('must be owner');
    if (name !== '') dropped.push(name);
    return text.includes('pg_shdepend') ? [[['f']]] : [];
  };
  return { ask, dropped };
}

const note = (run: string, ageMs: number, more: object = {}): string =>
  JSON.stringify({ by: 'sallyport', of: 'app', run, at: new Date(Date.now() - ageMs).toISOString(), ...more });
const role = (at: number): string => `sallyport_s_${String(at).padStart(12, '0')}`;
const HOUR_MS = 3_600_000;

describe('a sweep', () => {
  it('takes what other runs left, and looks again at what is young or still in use', async () => {
    const one = server([
      [role(1), note('before', HOUR_MS), 'f', 'f', 'f'],
      [role(2), note('before', 5_000), 'f', 'f', 'f'],
      [role(3), note('before', HOUR_MS), 'f', 't', 'f'],
      [role(4), note('now', HOUR_MS), 'f', 'f', 'f'],
      [role(5), note('now', HOUR_MS), 't', 'f', 'f'],
    ]);
    assert.deepEqual(await sweep(one as never, 'now', 'db'), { swept: 2, waiting: 2 });
    assert.deepEqual(one.dropped, [role(1), role(5)]);
  });

  it('leaves what is not ours, whatever it is called', async () => {
    const one = server([
      [role(1), null, 't', 'f', 'f'],
      [role(2), 'a note of somebody', 't', 'f', 'f'],
      [role(3), '{"by":"other","of":"app","at":"2020-01-01T00:00:00Z"}', 't', 'f', 'f'],
      [role(4), note('before', HOUR_MS, { database: 'another' }), 't', 'f', 'f'],
    ]);
    assert.deepEqual(await sweep(one as never, 'now', 'db'), { swept: 0, waiting: 0 });
    assert.deepEqual(one.dropped, []);
  });

  it('goes on behind one that it may not drop', async () => {
    const rows = [role(1), role(2)].map((name) => [name, note('before', HOUR_MS), 'f', 'f', 'f']);
    const one = server(rows, [role(1)]);
    assert.deepEqual(await sweep(one as never, 'now', 'db'), { swept: 1, waiting: 0 });
    assert.deepEqual(one.dropped, [role(2)]);
  });
});
