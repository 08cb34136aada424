import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { newEvent } from './events.ts';
import { Journal } from './journal.ts';
import type { Head } from './segment.ts';
import { verifyJournal } from './verify.ts';

const dir = mkdtempSync(join(tmpdir(), 'sallyport-verify-'));
after(() => rmSync(dir, { recursive: true, force: true }));

let originals: ReadonlyMap<string, string>;
let head: Head;
before(async () => {
  const journal = await Journal.open(dir, { segmentBytes: 600 });
  for (let n = 1; n <= 12; n++) journal.append(newEvent('x', { data: { n } }));
  head = journal.head;
  await journal.close();
  const names = readdirSync(dir).filter((name) => name.endsWith('.journal'));
  originals = new Map(names.map((name) => [name, readFileSync(join(dir, name), 'latin1')]));
});

/** The journal with one file's lines changed, checked, and put back. */
async function tampered(index: number, change: (lines: string[]) => string[], known?: Head) {
  const [name, text] = [...originals][index] as [string, string];
  writeFileSync(join(dir, name), change(text.split('\n')).join('\n'), 'latin1');
  const { problem } = await verifyJournal(dir, known === undefined ? {} : { head: known });
  writeFileSync(join(dir, name), text, 'latin1');
  return problem && { ...problem, file: problem.file.slice(dir.length + 1) };
}

describe('verifyJournal', () => {
  it('finds nothing wrong where nothing is', async () => {
    assert.deepEqual(await verifyJournal(dir), { records: 12, segments: originals.size, head });
    assert.ok(originals.size > 2);
  });

  it('finds a flipped bit at any byte of a file, in its line', async () => {
    const [name, text] = [...originals][1] as [string, string];
    for (let at = 0; at < text.length; at++) {
      const bytes = Buffer.from(text, 'latin1');
      bytes[at] = (bytes[at] as number) ^ 1;
      writeFileSync(join(dir, name), bytes);
      const { problem } = await verifyJournal(dir);
      assert.equal(problem?.file, join(dir, name));
      assert.equal(problem.line, text.slice(0, at).split('\n').length, `byte ${at}: ${problem.what}`);
    }
    writeFileSync(join(dir, name), text, 'latin1');
  });

  it('finds removed, moved, doubled and cut records', async () => {
    const [name] = [...originals.keys()];
    const first = { file: name, line: 3, sequence: 2 };
    const removed = await tampered(0, (lines) => lines.toSpliced(2, 1));
    assert.deepEqual({ ...removed, what: '' }, { ...first, what: '' });
    assert.match(removed?.what ?? '', /record 3 stands where 2 belongs: records are missing/);
    const swapped = await tampered(0, ([a, b, c, d, ...rest]) => [a, b, d, c, ...rest] as string[]);
    assert.deepEqual({ ...swapped, what: '' }, { ...first, what: '' });
    const doubled = await tampered(0, ([a, b, ...rest]) => [a, b, b, ...rest] as string[]);
    assert.match(doubled?.what ?? '', /record 1 stands where 2 belongs/);
    const shortened = await tampered(0, (lines) => [...lines.slice(0, -2), '']);
    assert.match(shortened?.what ?? '', /records are missing/);
    const cut = await tampered(originals.size - 1, (lines) => [
      ...lines.slice(0, -2),
      (lines.at(-2) as string).slice(0, -5),
    ]);
    assert.match(cut?.what ?? '', /the last record is not complete/);
    assert.equal(cut?.sequence, 12);
  });

  it('finds a tail that was removed whole, and one that was rewritten with right hashes', async () => {
    const last = originals.size - 1;
    const removed = await tampered(last, (lines) => [...lines.slice(0, -2), '']);
    assert.deepEqual([removed?.file, removed?.sequence], ['durable', 12]);
    const rewrite = (lines: string[]) => {
      const before = (lines.at(-3) as string).split(' ').at(lines.length === 3 ? 4 : 0) as string;
      const json = (lines.at(-2) as string).slice(65).replace('"n":12', '"n":13');
      return [...lines.slice(0, -2), `${hash('sha256', `${before} ${json}`, 'hex')} ${json}`, ''];
    };
    assert.match((await tampered(last, rewrite))?.what ?? '', /the journal was rewritten/);
    assert.match((await tampered(last, rewrite, head))?.what ?? '', /the journal was rewritten/);
  });

  it('leaves alone what is written behind a known record', async () => {
    const known = JSON.parse(`{"sequence":2}`) as Head;
    const lines = ([...originals.values()][0] as string).split('\n');
    const at = { ...known, hash: (lines[2] as string).slice(0, 64) };
    assert.equal(await tampered(originals.size - 1, (all) => [...all.slice(0, -2), 'half a rec'], at), undefined);
    assert.match((await tampered(0, (all) => all, { ...at, hash: head.hash }))?.what ?? '', /rewritten/);
  });

  it('reads a hash as a person can with sha256sum', () => {
    const lines = ([...originals.values()][0] as string).split('\n');
    const [one, two] = [lines[1] as string, lines[2] as string];
    assert.equal(hash('sha256', `${one.slice(0, 64)} ${two.slice(65)}`, 'hex'), two.slice(0, 64));
  });
});
