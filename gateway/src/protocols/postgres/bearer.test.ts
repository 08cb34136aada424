import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bearerFailure, readBearer } from './bearer.ts';

const first = (text: string): Buffer => Buffer.from(text, 'latin1');

describe('the first response of OAUTHBEARER', () => {
  it('holds a token', () => {
    assert.equal(readBearer(first('n,,\x01auth=Bearer spt_a-b_c.d~e+f/g==\x01\x01')), 'spt_a-b_c.d~e+f/g==');
    assert.equal(readBearer(first('y,,\x01host=gw\x01port=15432\x01auth=bearer x\x01\x01')), 'x');
  });
  it('or asks where to get one', () => {
    assert.equal(readBearer(first('n,,\x01auth=\x01\x01')), undefined);
  });
  for (const [what, text] of Object.entries({
    nothing: '',
    'no separator at the end': 'n,,\x01auth=Bearer x\x01',
    'no header': '\x01auth=Bearer x\x01\x01',
    'another identity': 'n,a=admin,\x01auth=Bearer x\x01\x01',
    'channel binding': 'p=tls-server-end-point,,\x01auth=Bearer x\x01\x01',
    'two tokens': 'n,,\x01auth=Bearer x\x01auth=Bearer y\x01\x01',
    'no auth': 'n,,\x01host=gw\x01\x01',
    'another scheme': 'n,,\x01auth=Basic eA==\x01\x01',
    'two words': 'n,,\x01auth=Bearer x y\x01\x01',
    'something behind': 'n,,\x01auth=Bearer x\x01\x01more',
  })) {
    it(`is not ${what}`, () => assert.throws(() => readBearer(first(text)), /OAUTHBEARER/));
  }
  it('is there', () => assert.throws(() => readBearer(null), /OAUTHBEARER/));
});

it('a failure says where a token is to be had', () => {
  assert.deepEqual(JSON.parse(bearerFailure('https://gw/.well-known/openid-configuration').toString()), {
    status: 'invalid_token',
    scope: 'openid',
    'openid-configuration': 'https://gw/.well-known/openid-configuration',
  });
});
