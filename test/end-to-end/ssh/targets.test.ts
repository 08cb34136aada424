import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { freePort } from '../../harness/postgres.ts';
import { SshClients } from '../../harness/ssh.ts';
import { TestSshd } from '../../harness/sshd.ts';
import { Stack } from '../../harness/stack.ts';

describe('how an agent logs in to a host', { timeout: 120_000 }, () => {
  let sshd: TestSshd;
  let inner: TestSshd;
  let stack: Stack;
  let clients: SshClients;
  let token: string;

  before(async () => {
    sshd = await TestSshd.start();
    inner = await TestSshd.start();
    const ca = join(inner.folder, 'ca');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', 'ca phrase', '-f', ca]);
    execFileSync('ssh-keygen', ['-q', '-t', 'ecdsa', '-N', 'phrase', '-f', join(sshd.folder, 'locked')]);
    const lines = `${readFileSync(join(sshd.folder, 'authorized_keys'), 'utf8')}${readFileSync(join(sshd.folder, 'locked.pub'), 'utf8')}`;
    const { writeFileSync } = await import('node:fs');
    writeFileSync(join(sshd.folder, 'authorized_keys'), lines);
    writeFileSync(join(inner.folder, 'authorized_keys'), `cert-authority ${readFileSync(`${ca}.pub`, 'utf8')}`);
    const port = await freePort();
    const secrets = {
      SSH_KEY: sshd.privateKey,
      STRANGER: readFileSync(join(sshd.folder, 'stranger'), 'utf8'),
      LOCKED: readFileSync(join(sshd.folder, 'locked'), 'utf8'),
      PHRASE: 'phrase',
      CA: readFileSync(ca, 'utf8'),
      CA_PHRASE: 'ca phrase',
    };
    stack = await Stack.start({ listen: { ssh: port }, secrets });
    const target = (one: TestSshd, more = '') =>
      `{ host: 127.0.0.1, port: ${one.port}, hostKey: "${one.fingerprint}"${more} }`;
    const connection = (name: string, where: string, credential: string) =>
      `kind: Connection\nname: ${name}\nspec: { protocol: ssh, agent: test-agent, target: ${where}, credential: { username: ${sshd.user}, ${credential} } }\n`;
    const byCa = 'certificateAuthority: "env:CA", passphrase: "env:CA_PHRASE"';
    const hop = `, jump: [{ host: 127.0.0.1, port: ${sshd.port}, hostKey: "${sshd.fingerprint}", credential: { username: ${sshd.user}, privateKey: "env:SSH_KEY" } }]`;
    const known = `{ host: 127.0.0.1, port: ${sshd.port}, knownHosts: "[127.0.0.1]:${sshd.port} ${readFileSync(join(sshd.folder, 'host.pub'), 'utf8').trim()}" }`;
    await stack.apply(
      [
        connection('locked', target(sshd), 'privateKey: "env:LOCKED", passphrase: "env:PHRASE"'),
        connection('unlocked-wrong', target(sshd), 'privateKey: "env:LOCKED"'),
        connection('stranger', target(sshd), 'privateKey: "env:STRANGER"'),
        connection('password', target(sshd), 'password: "env:PHRASE"'),
        connection('known', known, 'privateKey: "env:SSH_KEY"'),
        connection('certified', target(inner), byCa),
        connection('over-a-hop', target(inner, hop), byCa),
        connection(
          'nobody',
          `{ host: 127.0.0.1, port: 9, hostKey: "${sshd.fingerprint}" }`,
          'privateKey: "env:SSH_KEY"',
        ),
        connection('unset', target(sshd), 'privateKey: "env:NOT_SET"'),
        'kind: User\nname: alice\nspec: { groups: [all] }\n',
        'kind: Rule\nname: all\nspec: { who: { groups: [all] }, then: allow }\n',
      ].join('---\n'),
    );
    token = await stack.token('alice');
    const hosts = await (await fetch(`http://127.0.0.1:${stack.ports.web}/.well-known/ssh-known-hosts`)).text();
    clients = new SshClients(port, hosts);
  });
  after(async () => {
    clients?.remove();
    await stack?.stop();
    await sshd?.stop();
    await inner?.stop();
  });

  const run = (connection: string) =>
    clients.run(token, [`${connection}@127.0.0.1`, 'echo "in as $USER"; echo "$SSH_CONNECTION"']);

  for (const name of ['locked', 'known', 'certified', 'over-a-hop']) {
    it(`${name}: gets in`, async () => {
      const { status, out, err } = await run(name);
      assert.equal(status, 0, err);
      assert.match(out, /^in as/);
    });
  }

  it('the target’s log names the session beside a certificate', () => {
    assert.match(inner.log.join('\n'), /ID sallyport:certified:[0-9a-f-]{36} \(serial \d+\)/);
  });

  for (const [name, message] of [
    ['unlocked-wrong', /private key cannot be read: the passphrase may be missing or wrong/],
    ['stranger', /127\.0\.0\.1 does not let .* in with the private key/],
    ['password', /does not let .* in with the password/],
    ['nobody', /127\.0\.0\.1:9 refuses connections/],
    ['unset', /env:NOT_SET could not be resolved/],
  ] as const) {
    it(`${name}: says what is wrong`, async () => {
      const { status, err } = await run(name);
      assert.equal(status, 255);
      assert.match(err, message);
      assert.doesNotMatch(err, /PRIVATE KEY|phrase"/);
    });
  }
});
