import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decodeRowDescription, parameterStatus, rowDescription } from '@sallyport/shared/wire/postgres/backend.ts';
import { anonymous } from './description.ts';
import { hiddenFunctionResult } from './function-result.ts';
import { mayReport } from './parameter-status.ts';

describe('what else might tell a value', () => {
  for (const [name, value, expected] of [
    ['DateStyle', 'ISO, DMY', true],
    ['server_version', '15.8', true],
    ['TimeZone', 'Europe/Berlin', true],
    ['TimeZone', 'UTC', true],
    ['TimeZone', 'Etc/GMT+5', true],
    ['TimeZone', '<123-45-6789>0', false],
    ['TimeZone', 'secret5', false],
    ['application_name', '123-45-6789', false],
    ['search_path', '"123-45-6789"', false],
    ['scram_iterations', '123456789', false],
    ['of_tomorrow', 'x', false],
  ] as const) {
    it(`${name} = ${value} is ${expected ? '' : 'not '}reported`, () => {
      const message = parameterStatus(name, value);
      assert.equal(mayReport(message, 0, message.length), expected);
    });
  }

  it('the names of a result that nobody knows are hidden, the rest of its description stays', () => {
    const fields = [
      { name: '123-45-6789', tableOid: 7, columnNumber: 2, typeOid: 23, typeLength: 4, typeModifier: -1, format: 1 },
      { name: 'b', tableOid: 0, columnNumber: 0, typeOid: 25, typeLength: -1, typeModifier: 9, format: 0 },
    ] as const;
    const message = rowDescription(fields);
    const hidden = anonymous(message, 0, message.length);
    const expected = fields.map((field, i) => ({ ...field, name: `column${i + 1}` }));
    assert.deepEqual(decodeRowDescription(hidden, 0, hidden.length), expected);
  });

  it('the result of a function that is called by its OID is NULL', () => {
    const message = hiddenFunctionResult();
    assert.deepEqual([message[0], message.readInt32BE(1), message.readInt32BE(5)], [0x56, message.length - 1, -1]);
  });
});
