import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isWithin, wrongRange } from './address-range.ts';

describe('ranges of addresses', () => {
  for (const [address, range, wanted] of [
    ['10.1.2.3', '10.0.0.0/8', true],
    ['11.1.2.3', '10.0.0.0/8', false],
    ['::ffff:10.1.2.3', '10.0.0.0/8', true],
    ['::ffff:0a01:0203', '10.0.0.0/8', true],
    ['0:0:0:0:0:ffff:a01:203', '10.0.0.0/8', true],
    ['10.1.2.3', '::ffff:10.0.0.0/104', true],
    ['11.1.2.3', '::ffff:10.0.0.0/104', false],
    ['192.0.2.7', '192.0.2.7', true],
    ['192.0.2.8', '192.0.2.7/32', false],
    ['192.0.2.8', '0.0.0.0/0', true],
    ['192.0.2.8', '::/0', false],
    ['2001:db8::1', '::/0', true],
    ['2001:db8::1', '0.0.0.0/0', false],
    ['2001:db8:0:1::1', '2001:db8::/48', true],
    ['2001:db8:1::1', '2001:db8::/48', false],
    ['2001:DB8::1', '2001:db8::1/128', true],
    ['fe80::1%eth0', 'fe80::/10', true],
    ['::1', '::1', true],
    ['127.0.0.1', '::1', false],
    ['127.255.255.255', '127.0.0.0/8', true],
    ['128.0.0.0', '127.0.0.0/8', false],
    ['unknown', '0.0.0.0/0', false],
    ['', '0.0.0.0/0', false],
    ['10.1.2.3 ', '10.0.0.0/8', false],
    ['010.1.2.3', '10.0.0.0/8', false],
    ['10.1', '10.0.0.0/8', false],
  ] as const) {
    it(`${address} in ${range}: ${wanted}`, () => assert.equal(isWithin(address, [range]), wanted));
  }

  it('needs one of several, and none holds nothing', () => {
    assert.ok(isWithin('10.1.2.3', ['192.0.2.0/24', '10.0.0.0/8']));
    assert.ok(!isWithin('10.1.2.3', []));
  });

  for (const wrong of [
    '10.0.0.0/33',
    '10.0.0/8',
    '::/129',
    'x',
    '',
    '/8',
    '10.0.0.0/',
    '10.0.0.0/-1',
    '10.0.0.1/8',
    '2001:db8::1/64',
    '10.0.0.0/8/8',
    '::ffff:10.0.0.0/8',
    '1:2:3:4:5:6:7:8:9',
  ]) {
    it(`"${wrong}" is none`, () => assert.match(wrongRange(wrong) ?? '', /is no range|has bits set/));
  }

  for (const right of ['10.0.0.0/8', '0.0.0.0/0', '::/0', '192.0.2.7', '2001:db8::/32', '::ffff:10.0.0.0/104']) {
    it(`${right} is one`, () => assert.equal(wrongRange(right), undefined));
  }
});
