import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Pipeline } from './pipeline.ts';

describe('what a prepared name stands for', () => {
  it('is known within its own segment before the target has answered', () => {
    const pipeline = new Pipeline<string>();
    pipeline.change('statement', 'a', 'select 1', 'parse');
    assert.equal(pipeline.lookup('statement', 'a'), 'select 1');
  });

  it('does not change by a Parse that the target skipped', async () => {
    const pipeline = new Pipeline<string>();
    pipeline.change('statement', '', 'select ssn from users', 'parse');
    pipeline.sync();
    pipeline.completed('parse');
    pipeline.ready('I');

    pipeline.change('portal', '', 'nothing', 'bind');
    pipeline.change('statement', '', 'select 1', 'parse');
    pipeline.sync();
    const pending = pipeline.lookup('statement', '');
    assert.ok(pending instanceof Promise, 'an unanswered segment decides it');
    pipeline.ready('I');
    assert.equal(await pending, 'select ssn from users');
  });

  it('commits only what the target completed', () => {
    const pipeline = new Pipeline<string>();
    pipeline.change('statement', 'a', '1', 'parse');
    pipeline.change('statement', 'b', '2', 'parse');
    pipeline.sync();
    pipeline.completed('parse');
    pipeline.ready('I');
    assert.equal(pipeline.lookup('statement', 'a'), '1');
    assert.equal(pipeline.lookup('statement', 'b'), undefined);
  });

  it('loses the unnamed statement to a Query, and portals to the end of the transaction', async () => {
    const pipeline = new Pipeline<string>();
    pipeline.change('statement', '', '1', 'parse');
    pipeline.change('portal', 'p', '1', 'bind');
    pipeline.sync();
    pipeline.completed('parse');
    pipeline.completed('bind');
    pipeline.ready('T');
    assert.equal(pipeline.lookup('portal', 'p'), '1');
    pipeline.query();
    const pending = pipeline.lookup('statement', '');
    pipeline.ready('I');
    assert.equal(await pending, undefined);
    assert.equal(pipeline.lookup('portal', 'p'), undefined);
  });

  it('refuses a completion that nobody asked for', () => {
    const pipeline = new Pipeline<string>();
    assert.throws(() => pipeline.completed('parse'), { code: 'ERR_WIRE_UNEXPECTED' });
  });

  it('keeps a COPY segment open over the Sync that the target swallows', () => {
    const pipeline = new Pipeline<string>();
    pipeline.change('portal', '', 'copy', 'bind');
    pipeline.sync();
    pipeline.completed('bind');
    pipeline.copyInStarted();
    pipeline.copyInEnded();
    pipeline.sync();
    pipeline.ready('I');
    assert.ok(pipeline.idle);
  });
});

describe('which answer belongs to what cannot be told, so it is refused', () => {
  const pipelineWith = (...steps: readonly ((pipeline: Pipeline<string>) => void)[]) => {
    const pipeline = new Pipeline<string>();
    for (const step of steps) step(pipeline);
    return pipeline;
  };
  const bound = (pipeline: Pipeline<string>) => pipeline.change('portal', '', 'copy', 'bind');
  const query = (pipeline: Pipeline<string>) => pipeline.query();
  const sync = (pipeline: Pipeline<string>) => pipeline.sync();
  const done = (pipeline: Pipeline<string>) => pipeline.copyInEnded();
  const copying = (pipeline: Pipeline<string>) => pipeline.copyInStarted();
  const ready = (pipeline: Pipeline<string>) => pipeline.ready('I');

  for (const [name, ...steps] of [
    ['a query that an error before it would skip', bound, query],
    ['a Sync that a copy swallows', query, sync, copying],
    ['a query sent ahead of a copy', query, query, copying],
    ['the end of a copy before its start', query, done, copying],
    ['the same, and more behind it', bound, done, bound, sync, copying],
    ['a pipeline sent ahead of a copy', query, bound, copying],
    ['a Sync while a copy runs', query, copying, sync],
    ['a query while a copy runs', query, copying, query],
    ['an answer that nobody asked for', query, ready, ready],
  ] as const) {
    it(name, () => assert.throws(() => pipelineWith(...steps), { name: 'WireError' }));
  }

  it('but a copy as clients do it passes, by a query and by the extended query', () => {
    pipelineWith(query, copying, done, ready, query, ready);
    pipelineWith(bound, sync, copying, done, sync, ready, bound, sync, ready);
    pipelineWith(query, copying, (pipeline) => pipeline.failed(), done, ready, done, query, copying, done, ready);
  });
});
