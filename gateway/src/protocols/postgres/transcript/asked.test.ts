import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AskedStatements } from './asked.ts';

const asked = (number: number) => ({ number, text: `SELECT ${number}`, unseen: false, resultFormats: undefined });

describe('which statement is answered', () => {
  it('is told of pipelined executions in their order', () => {
    const statements = new AskedStatements();
    for (const number of [1, 2]) statements.add(asked(number));
    for (const number of [1, 2]) {
      statements.bound();
      assert.equal(statements.current?.number, number);
      statements.completed();
    }
    statements.ready();
    assert.equal(statements.current, undefined);
  });

  it('is told of pipelined queries, each with all its results', () => {
    const statements = new AskedStatements();
    for (const number of [1, 2]) statements.add(asked(number));
    for (const number of [1, 2]) {
      for (const _result of ['first', 'second']) {
        statements.answered();
        assert.equal(statements.current?.number, number);
        statements.completed();
      }
      statements.ready();
    }
  });

  it('stays right behind an error that answers the only one', () => {
    const statements = new AskedStatements();
    statements.add(asked(1));
    statements.failed(false);
    assert.equal(statements.current?.number, 1);
    statements.ready();
    statements.add(asked(2));
    statements.bound();
    assert.equal(statements.current?.number, 2);
  });

  it('stays right behind an error in preparing, which nobody was asked to run', () => {
    const statements = new AskedStatements();
    statements.failed(false);
    statements.ready();
    statements.add(asked(1));
    statements.bound();
    assert.equal(statements.current?.number, 1);
  });

  it('stays right behind the execution of a portal that the gateway did not see made', () => {
    const statements = new AskedStatements();
    statements.add({ ...asked(1), text: undefined, unseen: true });
    statements.continued();
    assert.equal(statements.current?.number, 1);
    statements.completed();
    statements.ready();
    statements.add(asked(2));
    statements.bound();
    assert.equal(statements.current?.number, 2);
  });

  it('is unknown for good once an error left others in flight', () => {
    const statements = new AskedStatements();
    for (const number of [1, 2]) statements.add(asked(number));
    statements.failed(false);
    statements.ready();
    statements.add(asked(3));
    statements.bound();
    assert.equal(statements.current, undefined);
  });
});
