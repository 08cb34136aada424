import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { query, saslInitialResponse, saslResponse } from '@sallyport/shared/wire/postgres/frontend.ts';
import { startupMessage } from '@sallyport/shared/wire/postgres/startup.ts';
import { errorOf, rowsOf, WireClient } from '../harness/wire-client.ts';
import { Fixture } from './fixture.ts';

describe('a client that signs in by OAUTHBEARER', () => {
  let all: Fixture;
  before(async () => {
    all = await Fixture.start();
  });
  after(() => all.stop());

  /** As libpq 18 speaks, up to its first response. */
  async function begun(first: string, mechanism = 'OAUTHBEARER'): Promise<WireClient> {
    const client = WireClient.bare(all.stack.ports.postgres);
    client.send(
      startupMessage([
        ['user', 'oauth'],
        ['database', 'shop'],
      ]),
    );
    const offer = (await client.until('R')).at(-1)?.body;
    assert.equal(offer?.readUInt32BE(0), 10);
    assert.equal(offer?.toString('latin1', 4), 'OAUTHBEARER\0\0');
    client.send(saslInitialResponse(mechanism, Buffer.from(first, 'latin1')));
    return client;
  }
  const configuration = () => `http://127.0.0.1:${all.stack.ports.web}/.well-known/openid-configuration`;

  it('with a token is in', async () => {
    const client = await begun(`n,,\x01auth=Bearer ${all.tokens.alice}\x01\x01`);
    const welcome = await client.ready();
    assert.equal(welcome.find(({ type }) => type === 'R')?.body.readUInt32BE(0), 0);
    assert.equal(rowsOf(await client.ask(query('select 40 + 2'))), 1);
    await client.end();
  });

  it('without one is told where to get it, and starts anew', async () => {
    const client = await begun('n,,\x01auth=\x01\x01');
    const [failure] = await client.until('R');
    assert.equal(failure?.body.readUInt32BE(0), 11);
    const said = JSON.parse(failure?.body.toString('utf8', 4) ?? '{}');
    assert.equal(said['openid-configuration'], configuration());
    const document = (await (await fetch(said['openid-configuration'])).json()) as Record<string, unknown>;
    assert.equal(`${document['issuer']}/.well-known/openid-configuration`, configuration());
    client.send(saslResponse(Buffer.from([1])));
    assert.match(errorOf(await client.ready()) ?? '', /^28/);
    assert.ok(client.closed);
  });

  it('with a token that is none is told the same', async () => {
    const client = await begun('n,,\x01auth=Bearer spt_nothing\x01\x01');
    const [failure] = await client.until('R');
    assert.equal(JSON.parse(failure?.body.toString('utf8', 4) ?? '{}').status, 'invalid_token');
    client.send(saslResponse(Buffer.from([1])));
    assert.match(errorOf(await client.ready()) ?? '', /^28.*token/);
  });

  for (const [what, first, mechanism] of [
    ['another identity', 'n,a=dana,\x01auth=Bearer x\x01\x01', undefined],
    ['another mechanism', 'n,,\x01auth=Bearer x\x01\x01', 'SCRAM-SHA-256'],
    ['no end', 'n,,\x01auth=Bearer x\x01', undefined],
  ] as const) {
    it(`${what} ends it`, async () => {
      const client = await begun(first, mechanism);
      assert.match(errorOf(await client.ready()) ?? '', /^08P01/);
      assert.ok(client.closed);
    });
  }
});
