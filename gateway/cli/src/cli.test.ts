import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer as createHttp, type Server } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { createApiServer, serverLimits } from '../../src/api/server.ts';
import { TestPorts } from '../../src/api/testing/ports.ts';

const source = join(import.meta.dirname, '../bin/sallyport.mjs');
const home = mkdtempSync(join(tmpdir(), 'sallyport-cli-'));
const bin = join(home, 'bin.mjs');
const credentials = join(home, 'sallyport/credentials.json');
let ports: TestPorts;
let server: Server;
let url: string;
let listener: ReturnType<typeof createApiServer>;

before(async () => {
  // As it is shipped: one file, which starts much faster than its sources.
  execFileSync(process.execPath, [join(import.meta.dirname, '../build.mjs'), home]);
  writeFileSync(bin, "import { main } from './main.mjs';\nprocess.exitCode = await main(process.argv.slice(2));\n");
  server = createHttp(serverLimits, (request, response) => listener(request, response));
  url = `http://127.0.0.1:${await listening(server)}`;
});
after(() => {
  server.closeAllConnections();
  server.close();
  rmSync(home, { recursive: true });
});
beforeEach(() => {
  ports = new TestPorts();
  ports.transcript = [
    {
      atUs: 0n,
      event: { case: 'statement', value: { text: 'select name from users', rule: 'reads', verdict: 'allow' } },
    },
    { atUs: 1000n, event: { case: 'columns', value: { columns: [{ name: 'name', type: 'text' }] } } },
    { atUs: 1000n, event: { case: 'row', value: { cells: [{ text: 'Ada\x1b[2J' }] } } },
    { atUs: 1000n, event: { case: 'complete', value: { tag: 'SELECT 1' } } },
    { atUs: 9_000_000_000n, event: { case: 'end', value: { reason: 'the client left' } } },
  ];
  listener = createApiServer(ports, { publicUrl: url });
  rmSync(credentials, { force: true });
});

async function listening(of: Server): Promise<number> {
  await new Promise<void>((resolve) => of.listen(0, '127.0.0.1', resolve));
  return (of.address() as AddressInfo).port;
}

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

interface How {
  readonly token?: string | undefined;
  readonly input?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Ends the command by Ctrl-C when this was written. */
  readonly until?: RegExp;
}

function sallyport(args: readonly string[], how: How = {}): Promise<Ended> {
  const { input = '', until } = how;
  const token = 'token' in how ? how.token : 'token-admin';
  const env = {
    PATH: process.env['PATH'],
    HOME: home,
    XDG_CONFIG_HOME: home,
    SALLYPORT_URL: url,
    ...(token === undefined ? {} : { SALLYPORT_TOKEN: token }),
    ...how.env,
  };
  const child = spawn(process.execPath, [bin, ...args], { env });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
    if (until?.test(out)) child.kill('SIGINT');
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  child.stdin.on('error', () => {}).end(input);
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, out, err })));
}

async function done(args: readonly string[], how: How = {}): Promise<string> {
  const { code, out, err } = await sallyport(args, how);
  assert.equal(code, 0, `${args.join(' ')}: ${err}`);
  assert.ok(!out.includes('\x1b'), 'no colour and no escape where there is no terminal');
  return out;
}

/** Every command that shows something, with what its table must say. */
const shown: readonly (readonly [args: string, words: RegExp])[] = [
  ['whoami', /admin[\s\S]*roles +admin, user/],
  ['tokens --all', /tok_alice/],
  ['tokens list --all', /tok_bob/],
  ['connect', /prod-db +postgres +online +env=prod/],
  ['connect prod-db', /^psql "host=127\.0\.0\.1 port=15432 dbname=prod-db user=alice sslmode=require"\n$/],
  ['get rules', /Rule +reads/],
  ['get Rule reads', /kind: Rule\nname: reads\nspec:\n {2}then: allow/],
  ['agents', /prod-vpc +online/],
  ['agents list', /10\.0\.0\.9 +3 +0\.1\.0 +zone=a/],
  ['agents join-token new-vpc', /^spj_once\n$/],
  ['approvals', /a1 +pending +alice +prod-db +deletes/],
  ['approvals list --state all', /delete from users/],
  [
    'approvals show a1',
    /who decides +1 of group dba[\s\S]*delete from users where id = \$1\n {2}\$1 = '7'\n {2}\$2 = NULL/,
  ],
  ['sessions', /s1 +alice +prod-db .* 1m +4 +1 +the client left/],
  ['sessions show s1', /from +10\.1\.1\.1/],
  ['sessions replay s1 --speed max', /select name from users[\s\S]* name +\n-+\n Ada\\x1b\[2J\nSELECT 1/],
  ['sessions watch s1', /Ada/],
  ['audit tail', /postgres\.query +alice +prod-db +\{"text":"select 3"\}/],
  ['audit verify', /journal +intact/],
];

describe('every listing', () => {
  for (const [line, words] of shown) {
    const args = line.split(' ');
    it(`${line}: as a table, JSON and YAML`, async () => {
      const forms = [args, [...args, '-o', 'json'], [...args, '-o', 'yaml']].map((each) => done(each));
      const [text = '', json = '', yaml = ''] = await Promise.all(forms);
      assert.match(text, words);
      const values =
        json.startsWith('[') || json.startsWith('{\n')
          ? JSON.parse(json)
          : json
              .trimEnd()
              .split('\n')
              .map((each) => JSON.parse(each));
      const same = yaml.startsWith('---') ? parseAllDocuments(yaml).map((each) => each.toJS()) : parse(yaml);
      assert.deepEqual(same, values);
    });
  }

  it('comes from the sources too', () => {
    assert.match(execFileSync(process.execPath, [source, '--help'], { encoding: 'utf8' }), /Usage: sallyport/);
  });

  it('in a format that there is none of is an error of use', async () => {
    assert.equal((await sallyport(['agents', '-o', 'xml'])).code, 2);
  });
});

describe('login', () => {
  const password = 'correct horse\n';

  it('takes the password from standard input, keeps a token for its owner only, and it is used', async () => {
    const { code, out, err } = await sallyport(['login', '--user', 'alice', '--url', url], {
      token: undefined,
      input: password,
    });
    assert.equal(code, 0, err);
    assert.ok(!`${out}${err}`.includes('token-alice'));
    assert.equal(statSync(credentials).mode & 0o777, 0o600);
    assert.equal(statSync(join(home, 'sallyport')).mode & 0o077, 0);
    assert.match(await done(['whoami'], { token: undefined, env: { SALLYPORT_URL: '' } }), /alice/);
    await done(['logout'], { token: undefined });
    assert.deepEqual(ports.asked.at(-1), ['revoke', 'tok_alice']);
    assert.ok(!existsSync(credentials));
    assert.equal((await sallyport(['whoami'], { token: undefined })).code, 3);
  });

  it('asks for the password at a terminal and does not show it', async () => {
    const line = [process.execPath, bin, 'login', '--user', 'alice'].map((each) => `'${each}'`).join(' ');
    const env = { ...process.env, XDG_CONFIG_HOME: home, SALLYPORT_URL: url, SALLYPORT_TOKEN: '' };
    const child = spawn('script', ['-qec', line, '/dev/null'], { env });
    let seen = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      // A wrong letter is taken back by backspace.
      if (!seen.includes('Password') && text.includes('Password')) child.stdin.write('correct horsex\x7f\r');
      seen += text;
    });
    const code = await new Promise((resolve) => child.once('close', resolve));
    assert.equal(code, 0, seen);
    assert.match(seen, /Password of alice[\s\S]*signed in/);
    assert.ok(!seen.includes('horse'));
    assert.ok(existsSync(credentials));
  });

  it('says that the password is wrong, and keeps nothing', async () => {
    const { code, err } = await sallyport(['login', '--user', 'alice'], { token: undefined, input: 'wrong\n' });
    assert.equal(code, 3);
    assert.match(err, /the user or the password is wrong/);
    assert.ok(!existsSync(credentials));
  });

  it('has no option for a password', async () => {
    assert.equal((await sallyport(['login', '--user', 'alice', '--password', 'x'])).code, 2);
  });

  it('keeps its token from any other gateway', async () => {
    await sallyport(['login', '--user', 'alice'], { token: undefined, input: password });
    const other = createHttp((request, response) => {
      assert.equal(request.headers.authorization, undefined);
      response.end();
    });
    const elsewhere = `http://127.0.0.1:${await listening(other)}`;
    assert.equal((await sallyport(['whoami', '--url', elsewhere], { token: undefined })).code, 3);
    other.close();
  });

  it('sends nothing in the clear over a network', async () => {
    const { code, err } = await sallyport(['login', '--user', 'alice', '--url', 'http://access.example.com'], {
      token: undefined,
      input: password,
    });
    assert.equal(code, 2);
    assert.match(err, /in the clear/);
  });
});

describe('a gateway with a certificate of its own', () => {
  let secure: Server;
  let secureUrl: string;
  let fingerprint: string;

  before(async () => {
    const [key, cert] = [join(home, 'key.pem'), join(home, 'cert.pem')];
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-keyout',
        key,
        '-out',
        cert,
        '-days',
        '2',
        '-subj',
        '/CN=gateway',
        '-addext',
        'subjectAltName=IP:127.0.0.1',
      ],
      { stdio: 'ignore' },
    );
    fingerprint = new X509Certificate(readFileSync(cert)).fingerprint256;
    secure = createHttps({ ...serverLimits, key: readFileSync(key), cert: readFileSync(cert) }, (request, response) =>
      listener(request, response),
    );
    secureUrl = `https://127.0.0.1:${await listening(secure)}`;
  });
  after(() => {
    secure.closeAllConnections();
    secure.close();
  });
  const login = (...more: string[]) =>
    sallyport(['login', '--user', 'alice', '--url', secureUrl, ...more], {
      token: undefined,
      input: 'correct horse\n',
    });

  it('is not trusted without a word; the fingerprint is said', async () => {
    const { code, err } = await login();
    assert.notEqual(code, 0);
    assert.ok(err.includes(fingerprint));
    assert.deepEqual(ports.asked, [], 'no password was sent');
  });

  it('is trusted by its fingerprint from then on, and no other is', async () => {
    assert.notEqual(
      (await login('--fingerprint', fingerprint.replace(/^../, fingerprint.startsWith('00') ? '11' : '00'))).code,
      0,
    );
    assert.deepEqual(ports.asked, []);
    const { code, err } = await login('--fingerprint', fingerprint);
    assert.equal(code, 0, err);
    assert.match(await done(['whoami'], { token: undefined, env: { SALLYPORT_URL: '' } }), /alice/);
  });

  it('is trusted by a file', async () => {
    assert.equal((await login('--ca', join(home, 'cert.pem'))).code, 0);
    const env = { SALLYPORT_URL: secureUrl, SALLYPORT_CA: join(home, 'cert.pem') };
    assert.match(await done(['whoami'], { env }), /admin/);
    const untrusted = await sallyport(['whoami'], { env: { SALLYPORT_URL: secureUrl } });
    assert.equal(untrusted.code, 0, 'what login pinned holds for the same gateway');
    rmSync(credentials);
    assert.equal((await sallyport(['whoami'], { env: { SALLYPORT_URL: secureUrl } })).code, 5);
  });
});

describe('doing', () => {
  it('token prints the token and nothing else', async () => {
    assert.equal(await done(['token', 'prod-db', '--ttl', '15m', '--for', 'service:ci']), 'spt_fresh\n');
    const { connection, ttlMs, for: whom } = ports.asked.at(-1)![1] as Record<string, unknown>;
    assert.deepEqual(
      { connection, ttlMs, whom },
      { connection: 'prod-db', ttlMs: 900_000, whom: { kind: 'service', name: 'ci' } },
    );
    assert.equal((await sallyport(['token', '--ttl', 'soon'])).code, 2);
  });

  it('connect --exec gives psql the token in its environment, never among its arguments', async () => {
    const psql = join(home, 'psql');
    writeFileSync(
      psql,
      '#!/bin/sh\necho "password=$PGPASSWORD"\nfor each in "$@"; do echo "arg=$each"; done\nexit 7\n',
    );
    chmodSync(psql, 0o755);
    const { code, out } = await sallyport(['connect', 'prod-db', '--exec', '--', '-c', 'select 1'], {
      env: { PATH: `${home}:${process.env['PATH']}` },
    });
    assert.equal(code, 7);
    assert.equal(
      out,
      'password=spt_fresh\narg=-c\narg=select 1\narg=-d\narg=host=127.0.0.1 port=15432 dbname=prod-db user=alice sslmode=require\n',
    );
  });

  it('connect quotes what a connection string would read otherwise', async () => {
    ports.connection = { ...ports.connection, user: "o'brien host=evil" };
    assert.match(await done(['connect', 'prod-db']), /user='o\\'brien host=evil' sslmode/);
  });

  it('apply sends files and folders whole, and tells what became of them', async () => {
    const file = join(home, 'rule.yaml');
    writeFileSync(file, 'kind: Rule\n');
    assert.equal(await done(['apply', '-f', file, '--dry-run']), 'Rule reads created (dry run)\n');
    const { documents, dryRun } = ports.asked.at(-1)![1] as Record<string, unknown>;
    assert.deepEqual({ documents, dryRun }, { documents: [{ file, text: 'kind: Rule\n' }], dryRun: true });
    assert.equal(await done(['apply', '-f', '-'], { input: 'kind: Mask\n' }), 'Rule reads created\n');
    writeFileSync(file, 'a\nb\nwrong: 1\n');
    const { code, err } = await sallyport(['apply', '-f', file]);
    assert.equal(code, 1);
    assert.ok(err.includes(`${file}:3: there is no "wrong"; did you mean "when"?`), err);
    assert.match((await sallyport(['apply', '-f', join(home, 'none.yaml')])).err, /there is no .*none\.yaml/);
  });

  it('approve, reject, remove, revoke, delete and kill reach the gateway', async () => {
    assert.match((await sallyport(['approvals', 'approve', 'a1'])).err, /a1 is approved/);
    assert.equal((await sallyport(['approvals', 'reject', 'a1'])).code, 2);
    assert.match((await sallyport(['approvals', 'reject', 'a1', '--reason', 'not now'])).err, /a1 is rejected/);
    assert.deepEqual(ports.asked.at(-1), ['decide', 'a1', 'user:admin', false, 'not now']);
    assert.equal((await sallyport(['agents', 'remove', 'prod-vpc'])).code, 0);
    assert.equal((await sallyport(['tokens', 'revoke', 'tok_bob'])).code, 0);
    assert.equal((await sallyport(['delete', 'rule', 'reads'])).code, 0);
    assert.equal((await sallyport(['sessions', 'kill', 's1', '--reason', 'maintenance'])).code, 0);
    assert.deepEqual(ports.asked.at(-1), ['kill', 's1', 'user:admin', 'maintenance']);
  });

  it('export writes every event, whole, and overwrites nothing', async () => {
    const lines = (await done(['sessions', 'export', 's1']))
      .trimEnd()
      .split('\n')
      .map((each) => JSON.parse(each));
    assert.equal(lines.length, 5);
    assert.equal(lines[2].row.cells[0].text, 'Ada\x1b[2J');
    const file = join(home, 'raw');
    assert.equal((await sallyport(['sessions', 'export', 's1', '--raw', '--file', file])).code, 0);
    assert.deepEqual([...readFileSync(file)], [1, 2, 0xff]);
    assert.equal((await sallyport(['sessions', 'export', 's1', '--raw', '--file', file])).code, 1);
    const journal = join(home, 'journal.jsonl');
    assert.equal((await sallyport(['audit', 'export', '--file', journal, '--type', 'postgres.*'])).code, 0);
    assert.equal(readFileSync(journal, 'utf8').trimEnd().split('\n').length, 3);
    assert.deepEqual(ports.asked.at(-1), ['tail', { follow: false, types: ['postgres.'], after: 0 }]);
    assert.match((await sallyport(['audit', 'export', '--file', journal])).err, /it is not overwritten/);
    assert.equal(statSync(journal).mode & 0o077, 0);
  });

  it('what follows goes on until Ctrl-C', async () => {
    assert.equal((await sallyport(['audit', 'tail', '-f'], { until: /select 3/ })).code, 130);
    assert.equal((await sallyport(['approvals', 'list', '--watch'], { until: /a1/ })).code, 130);
    assert.equal(
      (await sallyport(['sessions', 'replay', 's1', '--max-pause', '9000'], { until: /select name/ })).code,
      130,
    );
  });

  it('completion knows the commands, for each shell', async () => {
    for (const shell of ['bash', 'zsh', 'fish']) assert.match(await done(['completion', shell]), /sallyport complete/);
    assert.match(await done(['complete', '--', 'sessions']), /^replay$/m);
    assert.match(await done(['complete', '--', 'sessions', 'replay']), /^--speed$/m);
  });
});

describe('what it ends with', () => {
  it('says what went wrong', async () => {
    const codes = async (args: string[], how?: How) => (await sallyport(args, how)).code;
    ports.intact = false;
    assert.equal(await codes(['audit', 'verify']), 1);
    assert.equal(await codes(['frobnicate']), 2);
    assert.equal(await codes(['agents'], { token: 'token-stranger' }), 3);
    assert.equal(await codes(['agents'], { token: 'token-alice' }), 4);
    assert.equal(await codes(['agents', '--url', 'http://127.0.0.1:1']), 5);
    assert.equal(await codes(['sessions', 'show', 'none']), 6);
    assert.equal(await codes(['connect', 'none']), 6);
    assert.equal(await codes(['--help']), 0);
  });

  it('and what to do next', async () => {
    assert.match((await sallyport(['agents'], { token: undefined })).err, /sallyport login/);
    assert.match(
      (await sallyport(['agents', '--url', 'http://127.0.0.1:1'])).err,
      /cannot be reached: nothing listens there[\s\S]*SALLYPORT_URL/,
    );
    assert.match((await sallyport(['sesions'])).err, /Did you mean sessions/);
  });
});
