import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { SshFixture } from './fixture.ts';

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

describe('a stock ssh through the gateway', { timeout: 180_000 }, () => {
  let fixture: SshFixture;

  before(async () => {
    fixture = await SshFixture.start();
  });
  after(() => fixture?.stop());

  it('runs a command: output, errors and the status apart', async () => {
    const { status, out, err } = await fixture.ssh('alice', ['echo out; echo err >&2; exit 7']);
    assert.equal(status, 7, err);
    assert.equal(out, 'out\n');
    assert.equal(err, 'err\n');
  });

  it('passes bytes as they are, both ways, and the end of the input', async () => {
    const bytes = randomBytes(20 * 1024 * 1024);
    const { status, bytes: back, err } = await fixture.ssh('alice', ['cat'], bytes, 'plain');
    assert.equal(status, 0, err);
    assert.equal(back.length, bytes.length);
    assert.equal(sha256(back), sha256(bytes));
    const counted = await fixture.ssh('alice', ['wc -c'], bytes, 'plain');
    assert.equal(counted.out.trim(), String(bytes.length));
  });

  it('a signal that ends the command is told', async () => {
    const { status, err } = await fixture.ssh('alice', ['kill -TERM $$']);
    assert.equal(status, 255);
    assert.equal(err, '');
  });

  it('a terminal, its size, and what is typed', async () => {
    const child = fixture.clients.spawn(fixture.tokens.alice, [
      '-tt',
      'plain@127.0.0.1',
      'stty size; read line; echo "got $line"; tty',
    ]);
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk;
      if (/^\d+ \d+/m.test(out) && child.stdin.writable) child.stdin.end('something\n');
    });
    const [status] = (await once(child, 'close')) as [number];
    assert.equal(status, 0, out);
    assert.match(out, /got something/);
    assert.match(out, /\/dev\/pts\//);
  });

  it('a shell without a command', async () => {
    const { status, out } = await fixture.ssh('alice', ['-T'], 'echo from the shell\nexit 3\n');
    assert.equal(status, 3);
    assert.match(out, /from the shell/);
  });

  it('the environment: what is harmless and nothing else', async () => {
    const child = fixture.clients.spawn(fixture.tokens.alice, [
      '-o',
      'SetEnv=LC_SALLYPORT=yes LD_PRELOAD=/tmp/x.so BASH_ENV=/tmp/y',
      'plain@127.0.0.1',
      'echo "$LC_SALLYPORT/$LD_PRELOAD/$BASH_ENV"',
    ]);
    let out = '';
    child.stdout.on('data', (chunk) => (out += chunk));
    await once(child, 'close');
    assert.equal(out, 'yes//\n');
  });

  it('several channels at once on one connection', async () => {
    const socket = `${fixture.clients.folder}/mux`;
    const mux = ['-o', `ControlPath=${socket}`];
    const master = fixture.clients.spawn(fixture.tokens.alice, [...mux, '-M', '-N', 'plain@127.0.0.1']);
    for (;;) {
      const { status } = await fixture.clients.run('', [...mux, '-O', 'check', 'plain@127.0.0.1']);
      if (status === 0) break;
      assert.equal(master.exitCode, null);
      await new Promise((again) => setTimeout(again, 50));
    }
    const all = await Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        fixture.clients.run('', [...mux, 'plain@127.0.0.1', `sleep 0.1; echo ${i}; exit ${i}`]),
      ),
    );
    assert.deepEqual(
      all.map(({ status, out }) => [status, out.trim()]),
      all.map((_, i) => [i, String(i)]),
    );
    const { sessions = [] } = await fixture.stack.call<{ sessions?: { connection: string }[] }>(
      'SessionService/ListSessions',
      { live: true },
    );
    assert.equal(sessions.length, 1, 'one login, one session');
    await fixture.clients.run('', [...mux, '-O', 'exit', 'plain@127.0.0.1']);
    if (master.exitCode === null) await once(master, 'exit');
  });

  it('a command that a rule denies: said on stderr, status 126, nothing runs', async () => {
    const { status, out, err } = await fixture.ssh('alice', ['echo ran; echo forbidden']);
    assert.equal(status, 126);
    assert.equal(out, '');
    assert.match(err, /sallyport: this word is not spoken here \(rule "no-forbidden-words"\)/);
  });

  it('a command that waits for a person: the channel is held, then it runs', async () => {
    const running = fixture.ssh('alice', ['cat; echo risky done'], 'input that came early\n');
    const id = await fixture.pendingApproval();
    const { status } = await fixture.stack.cli(['approvals', 'approve', id], fixture.tokens.dana);
    assert.equal(status, 0);
    const { status: ended, out, err } = await running;
    assert.equal(ended, 0);
    assert.equal(out, 'input that came early\nrisky done\n');
    assert.match(err, new RegExp(`sallyport: approval ${id} is needed`));
    const rejected = fixture.ssh('alice', ['echo risky']);
    await fixture.stack.cli(
      ['approvals', 'reject', await fixture.pendingApproval(), '--reason', 'not today'],
      fixture.tokens.dana,
    );
    const refused = await rejected;
    assert.equal(refused.status, 126);
    assert.match(refused.err, /not today/);
  });

  it('secrets in the output are hidden from whom they are not for, on both streams and in terminals', async () => {
    const show = 'printf "card 4111 1111"; sleep 0.005; printf " 1111 1111\\n"; echo "4111111111111111" >&2';
    const { out, err } = await fixture.ssh('alice', [show]);
    assert.doesNotMatch(out + err, /1111 1111 1111|4111111111111111/);
    assert.match(out, /^card /);
    const terminal = await fixture.ssh('alice', ['-tt', show]);
    assert.doesNotMatch(terminal.out, /1111 1111 1111|4111111111111111/);
    const dana = await fixture.ssh('dana', [show]);
    assert.match(dana.out, /4111 1111 1111 1111/);
  });

  it('forwarding: only where a rule lets it, by its destination', async () => {
    const allowed = await fixture.clients.run(
      fixture.tokens.alice,
      ['-W', `127.0.0.1:${fixture.sshd.port}`, 'plain@127.0.0.1'],
      { input: '' },
    );
    assert.match(allowed.out, /^SSH-2\.0-OpenSSH/);
    const denied = await fixture.clients.run(fixture.tokens.alice, ['-W', 'localhost:22', 'plain@127.0.0.1']);
    assert.notEqual(denied.status, 0);
    assert.match(denied.err, /administratively prohibited|open failed/);
    const remote = await fixture.clients.run(fixture.tokens.alice, [
      '-o',
      'ExitOnForwardFailure=yes',
      '-R',
      '0:127.0.0.1:9',
      'plain@127.0.0.1',
      'true',
    ]);
    assert.notEqual(remote.status, 0);
    assert.match(remote.err, /remote port forwarding failed/);
  });

  it('who is not let in is told why', async () => {
    const wrong = await fixture.clients.run('sp_not-a-token', ['host@127.0.0.1', 'true']);
    assert.equal(wrong.status, 255);
    assert.match(wrong.err, /sallyport: the (?:token|user)/);
    const eve = await fixture.ssh('eve', ['true']);
    assert.equal(eve.status, 255);
    assert.match(eve.err, /sallyport: .*(?:No rule allows|that you may open)/);
    const nowhere = await fixture.ssh('alice', ['true'], '', 'hots');
    assert.match(nowhere.err, /no connection "hots".*Did you mean|host/s);
    const password = await fixture.clients.run('alice-has-a-password', ['alice:host@127.0.0.1', 'echo in']);
    assert.equal(password.out, 'in\n', password.err);
  });

  it('a host that shows another key than the one that is known is not believed', async () => {
    const other = `SHA256:${'A'.repeat(43)}`;
    await fixture.stack.apply(fixture.sshd.connection('impostor').replace(fixture.sshd.fingerprint, other));
    const { status, err } = await fixture.ssh('alice', ['true'], '', 'impostor');
    assert.equal(status, 255);
    assert.match(
      err,
      new RegExp(`shows the key ${fixture.sshd.fingerprint.replace(/[+/]/g, '\\$&')}, which is not the one`),
    );
    const blind = fixture.sshd.connection('blind').replace(/, hostKey: "[^"]*"/, '');
    await assert.rejects(fixture.stack.apply(blind), /hostKey.*never believes a host blindly/s);
  });

  it('is recorded: commands, output, status; and replayed', async () => {
    await fixture.ssh('dana', ['echo to be replayed; echo oops >&2; exit 4']);
    const { sessions = [] } = await fixture.stack.call<{ sessions?: { id: string; principal: { name: string } }[] }>(
      'SessionService/ListSessions',
      { connection: 'host', limit: 1 },
    );
    const id = sessions[0]?.id ?? '';
    const { out, err } = await fixture.stack.cli(['sessions', 'replay', id, '--speed', 'max']);
    assert.match(out + err, /to be replayed/);
    assert.match(out + err, /oops/);
    const cast = await fixture.stack.cli(['sessions', 'export', id, '--format', 'asciicast']);
    assert.equal(JSON.parse(cast.out.split('\n')[0] ?? '{}').version, 2, cast.err);
    const { out: events } = await fixture.stack.cli(['audit', 'tail', '-n', '5', '--session', id, '-o', 'json']);
    assert.match(events, /ssh\.exec/);
  });

  it('a session that is ended from outside ends at once, and says so', async () => {
    const child = fixture.clients.spawn(fixture.tokens.alice, ['plain@127.0.0.1', 'echo up; sleep 60']);
    const closed = once(child, 'close') as Promise<[number]>;
    await new Promise<void>((resolve) => child.stdout.on('data', () => resolve()));
    let err = '';
    child.stderr.on('data', (chunk) => (err += chunk));
    const { sessions = [] } = await fixture.stack.call<{ sessions?: { id: string }[] }>('SessionService/ListSessions', {
      live: true,
    });
    await fixture.stack.cli(['sessions', 'kill', sessions[0]?.id ?? '', '--reason', 'enough']);
    const [status] = await closed;
    assert.notEqual(status, 0);
    assert.match(err, /ended the session: enough/);
  });

  it('strict key exchange (CVE-2023-48795), current algorithms only', async () => {
    const { err } = await fixture.ssh('alice', ['-vvv', 'true']);
    assert.match(err, /kex-strict-s-v00@openssh\.com/);
    assert.match(err, /will use strict KEX ordering/);
    for (const old of [
      '-oCiphers=aes128-cbc',
      '-oMACs=hmac-sha1 -oCiphers=aes128-ctr',
      '-oKexAlgorithms=diffie-hellman-group14-sha1',
    ]) {
      const { status } = await fixture.ssh('alice', [...old.split(' '), 'true']);
      assert.equal(status, 255, old);
    }
  });
});
