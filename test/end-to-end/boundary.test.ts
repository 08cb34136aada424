import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { psql } from '../harness/psql.ts';
import { Fixture } from './fixture.ts';

const connection = (name: string, host: string, password: string): string => `
kind: Connection
name: ${name}
spec:
  protocol: postgres
  agent: test-agent
  target: { host: "${host}", port: 5432, tls: disable }
  credential: { username: app, password: "${password}" }
`;

describe('what a gateway cannot have of an agent', () => {
  let all: Fixture;
  before(async () => {
    all = await Fixture.start({
      secrets: { SHOP_PASSWORD: 'target-secret-4711', SALLYPORT_SECRETS: 'env:*,file:*', VAULT_TOKEN: 'CANARY-vault' },
    });
  });
  after(() => all.stop());

  const run = (name: string) => psql(all.stack.conninfo(name), 'select 1;', { password: all.tokens.alice });

  it('a connection to a target that its operator does not list', async () => {
    for (const [name, host] of [
      ['metadata', '169.254.169.254'],
      ['inside', '10.0.3.7'],
      ['outside', '203.0.113.9'],
    ] as const) {
      await all.stack.apply(connection(name, host, 'env:SHOP_PASSWORD'));
      const { err } = await run(name);
      assert.match(
        err,
        new RegExp(`The agent does not connect to ${host.replaceAll('.', '\\.')}:5432: .*SALLYPORT_TARGETS`),
        err,
      );
    }
    assert.ok(
      all.stack.log.some((line) => line.includes('a target was refused') && line.includes('169.254.169.254:5432')),
    );
  });

  it('a secret that is the agent’s own, or in no folder that is given away, for a target that asks for it', async () => {
    const given: string[] = [];
    const thief = createServer((socket) => {
      let asked = false;
      socket.on('error', () => undefined);
      socket.on('data', (chunk) => {
        if (asked) given.push(chunk.toString());
        else socket.write(Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3]));
        asked = true;
      });
    });
    await new Promise<void>((ready) => thief.listen(0, '127.0.0.1', ready));
    const { port } = thief.address() as AddressInfo;
    for (const [name, reference, why] of [
      ['token', 'env:VAULT_TOKEN', /that variable is the agent’s own/],
      ['environ', 'file:/proc/self/environ', /gives no secret out of that folder/],
      ['identity', `file:${all.stack.folder}/agent/identity.json`, /gives no secret out of that folder/],
      ['other', 'vault:secret/app', /does not look that up/],
    ] as const) {
      await all.stack.apply(connection(name, '127.0.0.1', reference).replace('port: 5432', `port: ${port}`));
      const { err } = await run(name);
      assert.match(err, why, name);
      assert.doesNotMatch(err + all.stack.log.join('\n'), /CANARY/);
    }
    assert.deepEqual(given, []);
    await all.stack.apply(connection('meant', '127.0.0.1', 'env:SHOP_PASSWORD').replace('port: 5432', `port: ${port}`));
    const running = run('meant');
    while (given.length === 0) await new Promise((soon) => setImmediate(soon));
    assert.match(given.join(), /target-secret-4711/);
    thief.close();
    all.stack.agent?.kill('SIGKILL');
    await running;
  });

  it('nor does an agent start with a list or a number that it cannot read', async () => {
    for (const [args, environment, why] of [
      [[], { SALLYPORT_TARGETS: 'db' }, /SALLYPORT_TARGETS: .{1,2}db/],
      [['--drain', 'abc'], {}, /--drain abc: write seconds/],
      [['--drain', '-1'], {}, /--drain|ambiguous/],
    ] as const) {
      await all.stack.kill('agent');
      const from = all.stack.log.length;
      const starting = all.stack.startAgent(args, environment);
      starting.catch(() => undefined);
      const agent = all.stack.agent;
      assert.ok(agent !== undefined);
      const [code] = agent.exitCode === null ? await once(agent, 'exit') : [agent.exitCode];
      assert.notEqual(code, 0);
      assert.match(all.stack.log.slice(from).join('\n'), why);
    }
  });
});
