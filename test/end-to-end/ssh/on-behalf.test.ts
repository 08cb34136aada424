import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { SshFixture } from './fixture.ts';

const resources = `
kind: ServiceAccount
name: claude
spec: { groups: [programs], mayActFor: { groups: [engineering] } }
---
kind: Rule
name: programs-look-around
spec:
  who: { groups: [engineering], actors: [claude] }
  connections: { names: [plain] }
  when: 'action.kind == "session.open" || action.text == "echo looked"'
  then: allow
`;

describe('ssh on a person’s behalf', () => {
  let fixture: SshFixture;
  let token: string;
  before(async () => {
    fixture = await SshFixture.start();
    await fixture.stack.apply(resources);
    const { token: own } = await fixture.stack.call<{ token: { secret: string } }>('IdentityService/MintToken', {
      serviceAccount: 'claude',
    });
    const type = 'urn:ietf:params:oauth:token-type:access_token';
    const answer = await fetch(`http://127.0.0.1:${fixture.stack.ports.web}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: fixture.tokens.alice,
        subject_token_type: type,
        actor_token: own.secret,
        actor_token_type: type,
      }),
    });
    token = ((await answer.json()) as { access_token: string }).access_token;
  });
  after(() => fixture.stop());

  it('may what the rule for the program says, with both names in the journal and the listing', async () => {
    const looked = await fixture.clients.run(token, ['plain@127.0.0.1', 'echo looked'], { input: '' });
    assert.deepEqual([looked.status, looked.out.trim()], [0, 'looked'], looked.err);
    const other = await fixture.clients.run(token, ['plain@127.0.0.1', 'echo more'], { input: '' });
    assert.equal(other.status, 126);
    assert.match(other.err, /to claude on behalf of alice on plain/);
    assert.equal((await fixture.ssh('alice', ['echo more'], '', 'plain')).status, 0);
    const told = await fixture.stack.cli(['audit', 'tail', '--type', 'ssh.*', '-o', 'json']);
    assert.match(told.out, /"actor":\{"id":"service:claude","name":"claude"\}/);
    assert.match((await fixture.stack.cli(['sessions'])).out, /claude on behalf of alice/);
  });

  it('gets no certificate, registers no key and opens no other connection', async () => {
    for (const method of ['KeyService/SignCertificate', 'KeyService/AddKey', 'KeyService/ListKeys']) {
      await assert.rejects(fixture.stack.call(method, {}, token), /claude acts on behalf of alice and may not do this/);
    }
    const refused = await fixture.clients.run(token, ['host@127.0.0.1', 'echo looked'], { input: '' });
    assert.notEqual(refused.status, 0);
    assert.equal(refused.out, '');
  });
});
