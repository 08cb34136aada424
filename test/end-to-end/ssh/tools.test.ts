import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { SshFixture } from './fixture.ts';

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

describe('what people run over ssh works unchanged', { timeout: 240_000 }, () => {
  let fixture: SshFixture;
  let here: string;
  let there: string;

  before(async () => {
    fixture = await SshFixture.start();
    here = mkdtempSync(join(tmpdir(), 'sallyport-here-'));
    there = mkdtempSync(join(tmpdir(), 'sallyport-there-'));
  });
  after(async () => {
    await fixture?.stop();
    for (const folder of [here, there]) rmSync(folder, { recursive: true, force: true });
  });

  /** Runs a program that starts ssh by itself. */
  async function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}, cwd = here) {
    const child = spawn(command, [...args], { cwd, env: { ...fixture.clients.env(fixture.tokens.alice), ...env } });
    child.stdin.end();
    const closed = once(child, 'close');
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
    await closed;
    return { status: child.exitCode, out, err };
  }
  const sshCommand = () => `ssh -F ${fixture.clients.configFile}`;

  for (const [name, flag] of [
    ['SFTP', '-s'],
    ['its own protocol', '-O'],
  ] as const) {
    it(`scp by ${name}: a file and a folder, both ways`, async () => {
      const bytes = randomBytes(3 * 1024 * 1024);
      writeFileSync(join(here, 'big file'), bytes);
      mkdirSync(join(here, `tree${flag}`, 'sub'), { recursive: true });
      writeFileSync(join(here, `tree${flag}`, 'sub', 'ä.txt'), 'inner');
      const scp = (...args: string[]) => run('scp', ['-F', fixture.clients.configFile, flag, ...args]);
      const up = await scp(join(here, 'big file'), `plain@127.0.0.1:${there}/up${flag}`);
      assert.equal(up.status, 0, up.err);
      assert.equal(sha256(readFileSync(join(there, `up${flag}`))), sha256(bytes));
      const tree = await scp('-r', join(here, `tree${flag}`), `plain@127.0.0.1:${there}/`);
      assert.equal(tree.status, 0, tree.err);
      assert.equal(readFileSync(join(there, `tree${flag}`, 'sub', 'ä.txt'), 'utf8'), 'inner');
      const down = await scp(`plain@127.0.0.1:${there}/up${flag}`, join(here, `down${flag}`));
      assert.equal(down.status, 0, down.err);
      assert.equal(sha256(readFileSync(join(here, `down${flag}`))), sha256(bytes));
    });
  }

  it('sftp in a batch', async () => {
    writeFileSync(
      join(here, 'batch'),
      `cd ${there}\nput batch\nrename batch moved\nls -l\nget moved back\nrm moved\nmkdir d\nrmdir d\n`,
    );
    const { status, out, err } = await run('sftp', [
      '-F',
      fixture.clients.configFile,
      '-o',
      'BatchMode=no',
      '-b',
      'batch',
      'plain@127.0.0.1',
    ]);
    assert.equal(status, 0, err);
    assert.match(out, /moved/);
    assert.ok(existsSync(join(here, 'back')) && !existsSync(join(there, 'moved')));
  });

  it('rsync, there and back, and only what changed', async () => {
    mkdirSync(join(here, 'site'), { recursive: true });
    for (let i = 0; i < 40; i++) writeFileSync(join(here, 'site', `${i}.html`), `page ${i} ${'x'.repeat(5_000)}`);
    const sync = (from: string, to: string) => run('rsync', ['-a', '--stats', '-e', sshCommand(), from, to]);
    const first = await sync(`${here}/site/`, `plain@127.0.0.1:${there}/site/`);
    assert.equal(first.status, 0, first.err);
    writeFileSync(join(here, 'site', '7.html'), 'changed');
    const second = await sync(`${here}/site/`, `plain@127.0.0.1:${there}/site/`);
    assert.match(second.out, /Number of regular files transferred: 1\b/);
    const back = await sync(`plain@127.0.0.1:${there}/site/`, `${here}/copy/`);
    assert.equal(back.status, 0, back.err);
    assert.equal(readFileSync(join(here, 'copy', '7.html'), 'utf8'), 'changed');
  });

  it('git: push and clone', async () => {
    const identity = {
      GIT_AUTHOR_NAME: 'a',
      GIT_AUTHOR_EMAIL: 'a@b',
      GIT_COMMITTER_NAME: 'a',
      GIT_COMMITTER_EMAIL: 'a@b',
      GIT_SSH_COMMAND: sshCommand(),
    };
    const git = (cwd: string, ...args: string[]) => run('git', args, identity, cwd);
    await git(there, 'init', '-q', '--bare', 'repo.git');
    await git(here, 'init', '-q', '-b', 'main', 'work');
    writeFileSync(join(here, 'work', 'file'), 'content');
    await git(join(here, 'work'), 'add', '.');
    await git(join(here, 'work'), 'commit', '-qm', 'one');
    const pushed = await git(join(here, 'work'), 'push', '-q', `plain@127.0.0.1:${there}/repo.git`, 'main');
    assert.equal(pushed.status, 0, pushed.err);
    const cloned = await git(here, 'clone', '-q', '-b', 'main', `plain@127.0.0.1:${there}/repo.git`, 'clone');
    assert.equal(cloned.status, 0, cloned.err);
    assert.equal(readFileSync(join(here, 'clone', 'file'), 'utf8'), 'content');
  });

  it('an Ansible playbook', async () => {
    writeFileSync(
      join(here, 'inventory'),
      `plain ansible_host=127.0.0.1 ansible_user=plain ansible_password="{{ lookup('env', 'SALLYPORT_TEST_SECRET') }}" ansible_ssh_common_args='-F ${fixture.clients.configFile}'\n`,
    );
    writeFileSync(
      join(here, 'play.yml'),
      `- hosts: all
  gather_facts: false
  vars: { ansible_python_interpreter: /usr/bin/python3 }
  tasks:
    - name: a file
      copy: { content: "by ansible\\n", dest: "${there}/ansible.txt", mode: "0600" }
    - name: a command
      command: cat ${there}/ansible.txt
      register: seen
    - debug: { var: seen.stdout }
`,
    );
    const env = {
      ANSIBLE_HOST_KEY_CHECKING: 'True',
      ANSIBLE_LOCAL_TEMP: join(here, '.ansible'),
      ANSIBLE_NOCOWS: '1',
      LC_ALL: 'C.UTF-8',
      HOME: here,
    };
    const { status, out, err } = await run('ansible-playbook', ['-i', 'inventory', 'play.yml'], env);
    assert.equal(status, 0, out + err);
    assert.match(out, /seen\.stdout": "by ansible"/);
    assert.match(out, /changed=2 .* failed=0/);
  });

  it('paramiko: a command, a file, and keepalives', async () => {
    const script = `
import paramiko, sys, os
c = paramiko.SSHClient()
c.load_host_keys(os.path.join(os.environ['HOME'], 'known_hosts'))
c.connect('127.0.0.1', port=${fixture.clients.port}, username='plain', password=os.environ['SALLYPORT_TEST_SECRET'], look_for_keys=False, allow_agent=False)
c.get_transport().set_keepalive(1)
i, o, e = c.exec_command('cat; exit 5')
i.write('from paramiko'); i.channel.shutdown_write()
print(o.read().decode(), o.channel.recv_exit_status())
s = c.open_sftp()
s.put('batch', '${there}/by-paramiko')
print(s.stat('${there}/by-paramiko').st_size == os.path.getsize('batch'), sorted(s.listdir('${there}'))[:1] != [])
c.close()
`;
    const { status, out, err } = await run('/usr/bin/python3', ['-W', 'ignore', '-c', script], {
      HOME: fixture.clients.folder,
    });
    assert.equal(status, 0, err);
    assert.equal(out, 'from paramiko 5\nTrue True\n');
  });
});
