import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import ssh2 from 'ssh2';
import { TestSshd } from '../../harness/sshd.ts';
import { SshFixture } from './fixture.ts';

const command = join(import.meta.dirname, '../../../gateway/cli/bin/sallyport.mjs');

interface Result {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

describe('who a stock ssh client is', { timeout: 240_000 }, () => {
  let fixture: SshFixture;
  let folder: string;
  let base: string;
  let agent: ChildProcess;
  let knownHosts: string;
  const env = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
    PATH: `${folder}:${process.env['PATH']}`,
    HOME: folder,
    LANG: 'C.UTF-8',
    NO_COLOR: '1',
    BROWSER: '',
    SALLYPORT_URL: base,
    ...more,
  });
  const socket = (): string => join(folder, 'agent.sock');

  before(async () => {
    fixture = await SshFixture.start();
    folder = mkdtempSync(join(tmpdir(), 'sallyport-who-'));
    base = `http://127.0.0.1:${fixture.stack.ports.web}`;
    knownHosts = join(fixture.clients.folder, 'known_hosts');
    // As installed, for the line with which ssh calls it.
    writeFileSync(join(folder, 'sallyport'), `#!/bin/sh\nexec ${process.execPath} ${command} "$@"\n`, { mode: 0o755 });
    agent = spawn('ssh-agent', ['-D', '-a', socket()], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(agent.stdout!, 'data');
  });
  after(async () => {
    agent?.kill('SIGTERM');
    await fixture?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function run(
    program: string,
    args: readonly string[],
    more: NodeJS.ProcessEnv = {},
    input = '',
  ): Promise<Result> {
    const child = spawn(program, args, { env: env(more), cwd: folder });
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    const closed = once(child, 'close');
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
    await closed;
    return { status: child.exitCode ?? -1, out, err };
  }
  const cli = (args: readonly string[], more: NodeJS.ProcessEnv = {}, input = ''): Promise<Result> =>
    run(join(folder, 'sallyport'), args, more, input);

  /** Ways in are said by each test; nothing is asked. */
  const options = (...more: string[]): string[] => [
    // Of an option that is there twice, ssh takes the first.
    ...more,
    ...['-F', '/dev/null', '-p', String(fixture.clients.port), '-o', `UserKnownHostsFile=${knownHosts}`],
    ...['-o', 'GlobalKnownHostsFile=/dev/null', '-o', 'BatchMode=yes', '-o', 'IdentitiesOnly=yes'],
  ];
  const withKey = (file: string, ...more: string[]): string[] =>
    options('-o', 'IdentityAgent=none', '-i', file, ...more);
  const withAgent = (): string[] => options('-o', 'IdentitiesOnly=no', '-o', 'IdentityFile=none');

  let count = 0;
  function newKey(type = 'ed25519', ...more: string[]): string {
    const file = join(folder, `key-${count++}`);
    execFileSync('ssh-keygen', ['-q', '-t', type, ...more, '-N', '', '-C', `key ${count}`, '-f', file]);
    return file;
  }

  /** A certificate for a key, as curl would get it. */
  async function certify(file: string, token: string, ttl?: string): Promise<string> {
    const publicKey = readFileSync(`${file}.pub`, 'utf8').trim();
    const { certificate } = await fixture.stack.call<{ certificate: string }>(
      'KeyService/SignCertificate',
      { publicKey, ...(ttl === undefined ? {} : { ttl }) },
      token,
    );
    writeFileSync(`${file}-cert.pub`, `${certificate}\n`);
    return certificate;
  }
  const plain = ['host@127.0.0.1', 'echo let in'];

  /** A command that stays until it is ended; resolves when it has begun. */
  async function staying(args: readonly string[], more: NodeJS.ProcessEnv = {}): Promise<{ ended: Promise<number> }> {
    const child = spawn('ssh', [...args, 'host@127.0.0.1', 'echo begun; sleep 60'], { env: env(more), cwd: folder });
    let err = '';
    child.stderr.on('data', (chunk) => (err += chunk));
    const begun = await Promise.race([
      once(child.stdout, 'data').then(() => true),
      once(child, 'close').then(() => false),
    ]);
    assert.ok(begun, err);
    return { ended: once(child, 'close').then(() => Date.now()) };
  }

  for (const [type, ...more] of [
    ['ed25519'],
    ['ecdsa', '-b', '256'],
    ['ecdsa', '-b', '521'],
    ['rsa', '-b', '2048'],
  ] as [string, ...string[]][]) {
    it(`a registered key of ${type} ${more.join('')}, until it is removed: its session ends with it`, async () => {
      const file = newKey(type, ...more);
      const stranger = await run('ssh', [...withKey(file), ...plain]);
      assert.equal(stranger.status, 255);
      assert.match(stranger.err, /Permission denied \(publickey/);
      const added = await cli(['ssh', 'keys', 'add', `${file}.pub`, '-o', 'json'], {
        SALLYPORT_TOKEN: fixture.tokens.dana,
      });
      assert.equal(added.status, 0, added.err);
      const { id, fingerprint } = JSON.parse(added.out) as { id: string; fingerprint: string };
      assert.ok(execFileSync('ssh-keygen', ['-lf', file], { encoding: 'utf8' }).includes(fingerprint));
      const first = await run('ssh', [...withKey(file), ...plain]);
      assert.deepEqual([first.status, first.out], [0, 'let in\n'], first.err);
      assert.equal((await run('ssh', [...withKey(file), 'dana:host@127.0.0.1', 'true'])).status, 0);
      assert.equal((await run('ssh', [...withKey(file), 'alice:host@127.0.0.1', 'true'])).status, 255);
      const listed = await cli(['ssh', 'keys'], { SALLYPORT_TOKEN: fixture.tokens.dana });
      assert.match(listed.out, new RegExp(`${id}.*ago from 127.0.0.1`));
      const elsewhere = await cli(['ssh', 'keys', 'remove', id], { SALLYPORT_TOKEN: fixture.tokens.eve });
      assert.match(elsewhere.err, /there is no key/);
      const { ended } = await staying(withKey(file));
      const from = Date.now();
      assert.equal((await cli(['ssh', 'keys', 'remove', id], { SALLYPORT_TOKEN: fixture.tokens.dana })).status, 0);
      assert.ok((await ended) - from < 3_000, 'it ended late');
      assert.equal((await run('ssh', [...withKey(file), ...plain])).status, 255);
    });
  }

  it('who has a password registers a key with it only', async () => {
    const file = newKey();
    const alice = { SALLYPORT_TOKEN: fixture.tokens.alice };
    const add = ['ssh', 'keys', 'add', `${file}.pub`];
    const wrong = await cli(add, alice, 'not-hers\n');
    assert.match(wrong.err, /password is needed[\s\S]*password is wrong/);
    assert.equal((await cli(add, alice, 'alice-has-a-password\n')).status, 0);
    assert.equal((await run('ssh', [...withKey(file), ...plain])).out, 'let in\n');
    const twice = await cli(add, { SALLYPORT_TOKEN: fixture.tokens.dana });
    assert.match(twice.err, /registered already/);
    const secret = await cli(['ssh', 'keys', 'add', file], alice);
    assert.match(secret.err, /is a private key/);
  });

  it('login leaves a certificate in the ssh-agent; ssh config does the rest, past keys that are for other places', async () => {
    const more = { SSH_AUTH_SOCK: socket() };
    for (let i = 0; i < 6; i++) execFileSync('ssh-add', ['-q', newKey()], { env: { ...env(), ...more } });
    const login = await cli(['login', '--user', 'alice'], more, 'alice-has-a-password\n');
    assert.equal(login.status, 0, login.err);
    assert.match(login.err, /an SSH certificate for alice until .*: the ssh-agent has it/);
    const held = await run('ssh-add', ['-L'], more);
    assert.equal(held.out.match(/-cert-v01@openssh\.com/g)?.length, 1);
    const first = await run('ssh', [...withAgent(), ...plain], more);
    assert.deepEqual([first.status, first.out], [0, 'let in\n'], first.err);
    const config = await cli(['ssh', 'config'], more);
    assert.equal(config.status, 0, config.err);
    assert.match(config.out, /^Match originalhost \S+ exec "sallyport ssh cert --renew/);
    writeFileSync(join(folder, 'config'), config.out);
    const byName = await run(
      'ssh',
      ['-F', join(folder, 'config'), '-o', 'BatchMode=yes', 'plain', 'echo by name'],
      more,
    );
    assert.deepEqual([byName.status, byName.out], [0, 'by name\n'], byName.err);
    // A second login leaves one, not two.
    await cli(['login', '--user', 'alice'], more, 'alice-has-a-password\n');
    assert.equal((await run('ssh-add', ['-L'], more)).out.match(/-cert-v01@openssh\.com/g)?.length, 1);
    const { ended } = await staying(withAgent(), more);
    const from = Date.now();
    assert.equal((await cli(['logout'], more)).status, 0);
    assert.ok((await ended) - from < 3_000, 'the session outlived the sign-in');
    assert.doesNotMatch((await run('ssh-add', ['-L'], more)).out, /cert-v01/);
    await run('ssh-add', ['-D'], more);
  });

  it('without an ssh-agent it is in files that only their owner reads, and renews itself', async () => {
    const login = await cli(['login', '--user', 'alice'], {}, 'alice-has-a-password\n');
    assert.match(login.err, /it is at .*id_ed25519-cert\.pub/);
    const key = join(folder, '.config/sallyport/ssh/id_ed25519');
    for (const file of [key, `${key}-cert.pub`]) assert.equal(statSync(file).mode & 0o777, 0o600);
    const config = await cli(['ssh', 'config', 'host']);
    assert.match(config.out, /CertificateFile/);
    writeFileSync(join(folder, 'config'), config.out);
    const ssh = () => run('ssh', ['-F', join(folder, 'config'), '-o', 'BatchMode=yes', 'host', 'echo by files']);
    assert.equal((await ssh()).out, 'by files\n');
    const short = await cli(['ssh', 'cert', '--ttl', '10s', '-o', 'json']);
    const { serial } = JSON.parse(short.out) as { serial: string };
    assert.equal((await ssh()).out, 'by files\n');
    const told = execFileSync('ssh-keygen', ['-Lf', `${key}-cert.pub`], { encoding: 'utf8' });
    assert.match(told, /Key ID: "sallyport:tok_[\s\S]*Principals:\s+alice\s+Critical Options: \(none\)/);
    assert.ok(!told.includes(`Serial: ${serial}`), 'ssh had it renewed');
    await cli(['logout']);
    assert.equal(existsSync(key), false);
    assert.equal((await run('ssh', [...options('-i', key), ...plain])).status, 255);
  });

  it('a certificate is worth what its token is worth', async () => {
    const file = newKey();
    const { token } = await fixture.stack.call<{ token: { secret: string; id: string } }>('IdentityService/MintToken', {
      user: 'dana',
    });
    await certify(file, token.secret);
    assert.equal((await run('ssh', [...withKey(file), ...plain])).out, 'let in\n');
    const { ended } = await staying(withKey(file));
    const from = Date.now();
    await fixture.stack.call('IdentityService/RevokeToken', { id: token.id });
    assert.ok((await ended) - from < 1_000, 'the session lived on');
    const again = await run('ssh', [...withKey(file), ...plain]);
    assert.equal(again.status, 255);
    assert.match(again.err, /sallyport: the sign-in that the certificate came of has ended/);
  });

  it('a certificate that has expired', async () => {
    const file = newKey();
    const line = await certify(file, fixture.tokens.dana, '2s');
    const ends =
      /to (\S+)$/m.exec(execFileSync('ssh-keygen', ['-Lf', '-'], { input: line, encoding: 'utf8' }))?.[1] ?? '';
    const { ended } = await staying(withKey(file));
    assert.ok((await ended) >= new Date(ends).getTime() - 50, 'its session ends with it, not before');
    // ssh itself would not offer it any more: its clock says so too.
    const late = await run('ssh', [...withKey(file), ...plain]);
    assert.equal(late.status, 255);
  });

  it('certificates of others', async () => {
    const file = newKey();
    const authority = newKey();
    execFileSync('ssh-keygen', ['-q', '-s', authority, '-I', 'sallyport:tok_x', '-n', 'alice', `${file}.pub`]);
    const wrong = await run('ssh', [...withKey(file), ...plain]);
    assert.equal(wrong.status, 255);
    await certify(file, fixture.tokens.alice);
    const mismatch = await run('ssh', [...withKey(file), 'dana:host@127.0.0.1', 'true']);
    assert.equal(mismatch.status, 255);
    assert.match(mismatch.err, /sallyport: the certificate is not for dana/);
    assert.equal((await run('ssh', [...withKey(file), 'alice:host@127.0.0.1', 'echo hers'])).out, 'hers\n');
    const other = newKey();
    writeFileSync(`${other}-cert.pub`, readFileSync(`${file}-cert.pub`));
    assert.equal((await run('ssh', [...withKey(other), ...plain])).status, 255, 'a certificate without its key');
  });

  it('certificates of every kind of key', async () => {
    for (const [type, ...more] of [
      ['ecdsa', '-b', '384'],
      ['rsa', '-b', '3072'],
    ] as [string, ...string[]][]) {
      const file = newKey(type, ...more);
      await certify(file, fixture.tokens.dana);
      const { out, err } = await run('ssh', [...withKey(file), ...plain]);
      assert.equal(out, 'let in\n', `${type}: ${err}`);
    }
  });

  it('the authority is published, and a real sshd takes its certificates', async () => {
    const published = await (await fetch(`${base}/.well-known/ssh-user-ca`)).text();
    assert.match(published, /^ssh-ed25519 [A-Za-z0-9+/=]+ sallyport-user-ca\n$/);
    const file = newKey();
    await certify(file, fixture.tokens.dana);
    const told = execFileSync('ssh-keygen', ['-Lf', `${file}-cert.pub`], { encoding: 'utf8' });
    const print = execFileSync('ssh-keygen', ['-lf', '-'], { input: published, encoding: 'utf8' }).split(' ')[1] ?? '';
    assert.ok(told.includes(`Signing CA: ED25519 ${print}`));
    writeFileSync(join(folder, 'authority.pub'), published);
    writeFileSync(join(folder, 'principals'), 'dana\n');
    const trusts = [
      `TrustedUserCAKeys ${join(folder, 'authority.pub')}`,
      `AuthorizedPrincipalsFile ${join(folder, 'principals')}`,
    ];
    const sshd = await TestSshd.start(trusts);
    try {
      const direct = ['-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-p', String(sshd.port)];
      const { out, err } = await run('ssh', [...direct, ...withKey(file), `${sshd.user}@127.0.0.1`, 'echo direct']);
      assert.equal(out, 'direct\n', `${err}\n${sshd.log.join('\n')}`);
    } finally {
      await sshd.stop();
    }
  });

  it('what came of keys and certificates is in the journal', async () => {
    const events = await cli(['audit', 'tail', '-n', '200', '--type', 'ssh.*', '-o', 'json'], {
      SALLYPORT_TOKEN: fixture.stack.admin,
    });
    for (const type of ['ssh.certificate-issued', 'ssh.key-added', 'ssh.key-removed'])
      assert.ok(events.out.includes(type));
    const refused = await cli(['audit', 'tail', '-n', '200', '--type', 'session.rejected', '-o', 'json'], {
      SALLYPORT_TOKEN: fixture.stack.admin,
    });
    assert.match(refused.out, /this key is not registered/);
  });

  it('keys of others: for administrators; never with a token for one connection', async () => {
    const file = newKey();
    const publicKey = readFileSync(`${file}.pub`, 'utf8');
    const { call, admin, token } = fixture.stack;
    const api = call.bind(fixture.stack) as typeof call;
    const { key } = await api<{ key: { id: string } }>('KeyService/AddKey', { publicKey }, fixture.tokens.dana);
    await assert.rejects(api('KeyService/ListKeys', { all: true }, fixture.tokens.dana), /permission_denied/);
    await assert.rejects(api('KeyService/RemoveKey', { id: key.id }, fixture.tokens.eve), /not_found/);
    const all = await api<{ keys: { id: string }[] }>('KeyService/ListKeys', { all: true }, admin);
    assert.ok(all.keys.some(({ id }) => id === key.id));
    await api('KeyService/RemoveKey', { id: key.id }, admin);
    const scoped = await token.call(fixture.stack, 'dana', 'host');
    await assert.rejects(api('KeyService/AddKey', { publicKey }, scoped), /permission_denied/);
    await certify(file, scoped);
    assert.equal((await run('ssh', [...withKey(file), ...plain])).out, 'let in\n');
    const elsewhere = await run('ssh', [...withKey(file), 'plain@127.0.0.1', 'true']);
    assert.match(elsewhere.err, /opens the connection "host" only/);
    for (const wrong of ['nonsense', 'ssh-dss AAAAB3NzaC1kc3M=', `ssh-rsa ${publicKey.split(' ')[1]}`]) {
      await assert.rejects(api('KeyService/AddKey', { publicKey: wrong }, fixture.tokens.dana), /invalid_argument/);
    }
  });

  /** Signs with a key of its own, whatever key was offered before. */
  class Swapping extends ssh2.BaseAgent<Buffer> {
    readonly offered: Buffer;
    readonly signer: ssh2.ParsedKey;

    constructor(offered: Buffer, signer: ssh2.ParsedKey) {
      super();
      this.offered = offered;
      this.signer = signer;
    }

    override getIdentities(told: (error: Error | undefined, keys?: Buffer[]) => void): void {
      told(undefined, [this.offered]);
    }

    override sign(_: Buffer, data: Buffer, ...rest: unknown[]): void {
      const told = rest.at(-1) as (error: undefined, signature: Buffer) => void;
      told(undefined, this.signer.sign(data) as Buffer);
    }
  }

  it('a key that was offered and not proven lets nobody in (CVE-2024-45337)', async () => {
    const [registered, stranger] = [newKey(), newKey()];
    const publicKey = readFileSync(`${registered}.pub`, 'utf8').trim();
    await fixture.stack.call('KeyService/AddKey', { publicKey }, fixture.tokens.dana);
    const signer = ssh2.utils.parseKey(readFileSync(stranger)) as ssh2.ParsedKey;
    const agentOf = new Swapping(Buffer.from(publicKey.split(' ')[1] ?? '', 'base64'), signer);
    const client = new ssh2.Client();
    const ended = new Promise<string>((resolve) => {
      client.on('ready', () => resolve('let in'));
      client.on('error', ({ message }) => resolve(message));
    });
    client.connect({
      host: '127.0.0.1',
      port: fixture.clients.port,
      username: 'host',
      agent: agentOf as never,
      authHandler: ['agent'],
    });
    assert.match(await ended, /All configured authentication methods failed/);
    client.end();
    assert.equal((await run('ssh', [...withKey(registered), ...plain])).out, 'let in\n');
  });

  it('who takes the link back and proves it otherwise is let in by that, and by nothing else', async () => {
    for (const [secret, wanted] of [
      [fixture.tokens.dana, 'let in'],
      ['spt_wrong', 'turned away'],
    ] as const) {
      const client = new ssh2.Client();
      const ended = new Promise<string>((resolve) => {
        client.on('ready', () => resolve('let in'));
        client.on('error', () => resolve('turned away'));
      });
      const inner = client as unknown as { _protocol: { authPassword(user: string, secret: string): void } };
      let links = 0;
      // The library answers a question without prompts by itself: the link has been shown then.
      const debug = (line: string): void => {
        if (!line.includes('Sending USERAUTH_INFO_RESPONSE') || links++ > 0) return;
        setImmediate(() => inner._protocol.authPassword('host', secret));
      };
      const how = { authHandler: ['keyboard-interactive'], tryKeyboard: true, debug } as never as object;
      client.connect({ host: '127.0.0.1', port: fixture.clients.port, username: 'host', ...how });
      assert.equal(await ended, wanted);
      client.end();
    }
  });

  it('who asks again and again is sent away', async () => {
    const client = new ssh2.Client();
    const closed = once(client, 'close');
    client.on('error', () => {});
    let asked = 0;
    client.connect({
      host: '127.0.0.1',
      port: fixture.clients.port,
      username: 'host',
      authHandler: (_left: unknown, _partial: unknown, next: (method: unknown) => void) => {
        asked += 1;
        next(asked > 5_000 ? false : { type: 'none', username: 'host' });
      },
    } as never);
    await closed;
    assert.ok(asked <= 102, `it asked ${asked} times`);
  });

  /** Signs a person in with a browser, and says yes to the code. */
  async function sayYes(link: string, answer = 'yes'): Promise<void> {
    const form = (fields: Record<string, string>) => ({
      method: 'POST',
      body: new URLSearchParams(fields),
      redirect: 'manual' as const,
    });
    const signedIn = await fetch(
      `${base}/signin`,
      form({ user: 'alice', password: 'alice-has-a-password', return: '/' }),
    );
    const cookie = signedIn.headers
      .getSetCookie()
      .map((one) => one.split(';')[0])
      .join('; ');
    const code = new URL(link).searchParams.get('user_code') ?? '';
    const page = await (await fetch(link, { headers: { cookie } })).text();
    assert.ok(page.includes(code));
    assert.match(page, /Sign in <strong>an SSH client/);
    const { method, body, redirect } = form({ user_code: code, answer });
    const done = await fetch(`${base}/device`, { method, body, redirect, headers: { cookie, origin: base } });
    assert.equal(done.status, 200);
  }
  const interactive = ['-o', 'PreferredAuthentications=keyboard-interactive', '-o', 'BatchMode=no'];

  /** ssh on a terminal of its own; what it shows, and what it ends with. */
  function onTerminal(args: readonly string[]) {
    const line = ['ssh', ...args].map((word) => `'${word}'`).join(' ');
    const child = spawn('script', ['-qefc', line, '/dev/null'], { env: env({ TERM: 'xterm' }), cwd: folder });
    let shown = '';
    let wake = (): void => {};
    child.stdout.on('data', (chunk) => {
      shown += chunk;
      wake();
    });
    const ended = once(child, 'close').then(() => child.exitCode);
    async function until(wanted: RegExp): Promise<string> {
      for (;;) {
        const found = wanted.exec(shown);
        if (found !== null) return found[0];
        const isOver = await Promise.race([
          new Promise<boolean>((resolve) => {
            wake = () => resolve(false);
          }),
          ended.then(() => true),
        ]);
        if (isOver && !wanted.test(shown)) assert.fail(`it never showed ${wanted}: ${shown}`);
      }
    }
    return { child, until, ended, shown: () => shown };
  }

  it('with a browser: a link and a code on the terminal, and it goes on by itself', async () => {
    const ssh = onTerminal([...options(...interactive), 'host@127.0.0.1', 'echo by browser']);
    const link = await ssh.until(/http:\S+user_code=[A-Z0-9-]+/);
    assert.match(ssh.shown(), new RegExp(`shows the code ${new URL(link).searchParams.get('user_code')}`));
    await sayYes(link);
    await ssh.until(/by browser/);
    assert.equal(await ssh.ended, 0);
  });

  it('without a terminal the link is told as well', async () => {
    const child = spawn('ssh', [...options(...interactive), 'host@127.0.0.1', 'echo by browser'], {
      env: env({ SSH_ASKPASS: '/bin/false', SSH_ASKPASS_REQUIRE: 'force' }),
      cwd: folder,
    });
    let err = '';
    const link = await new Promise<string>((resolve, reject) => {
      child.once('exit', () => reject(new Error(err)));
      child.stderr.on('data', (chunk) => {
        err += chunk;
        const found = /http:\S+user_code=[A-Z0-9-]+/.exec(err);
        if (found !== null) resolve(found[0]);
      });
    });
    const out = text(child.stdout);
    await sayYes(link);
    assert.equal(await out, 'by browser\n');
  });

  it('who says no to the link, and then has a token', async () => {
    const ssh = onTerminal([...options(...interactive), 'host@127.0.0.1', 'echo by token']);
    await sayYes(await ssh.until(/http:\S+user_code=[A-Z0-9-]+/), 'no');
    await ssh.until(/Token .*:/);
    ssh.child.stdin.write(`${fixture.tokens.dana}\n`);
    await ssh.until(/by token/);
    assert.equal(await ssh.ended, 0);
    assert.ok(!ssh.shown().includes(fixture.tokens.dana), 'it was shown');
  });

  it('a token for a program that answers questions', async () => {
    mkdirSync(join(folder, 'bin'), { recursive: true });
    const askpass = join(folder, 'bin/askpass');
    writeFileSync(askpass, '#!/bin/sh\nprintf "%s\\n" "$SECRET"\n', { mode: 0o700 });
    const more = { SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: 'force', SECRET: fixture.tokens.dana };
    const asked = ['-o', 'KbdInteractiveDevices=token', ...interactive];
    assert.equal((await run('ssh', [...options(...asked), ...plain], more)).out, 'let in\n');
    const wrong = await run('ssh', [...options(...asked), ...plain], { ...more, SECRET: 'spt_wrong' });
    assert.equal(wrong.status, 255);
    assert.match(wrong.err, /sallyport: the token is incomplete or mistyped/);
    const byPassword = ['-o', 'PreferredAuthentications=password', '-o', 'BatchMode=no'];
    assert.equal((await run('ssh', [...options(...byPassword), ...plain], more)).out, 'let in\n');
  });

  it('too many keys in the agent end it with a reason', async () => {
    const more = { SSH_AUTH_SOCK: socket() };
    for (let i = 0; i < 22; i++) execFileSync('ssh-add', ['-q', newKey()], { env: { ...env(), ...more } });
    const { status, err } = await run('ssh', [...withAgent(), ...plain], more);
    assert.equal(status, 255);
    assert.match(err, /sallyport: (this key is not registered|too many keys)/);
    await run('ssh-add', ['-D'], more);
  });
});
