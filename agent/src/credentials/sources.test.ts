import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { inspect } from 'node:util';
import { awsSource } from './cloud/aws.ts';
import { azureSource } from './cloud/azure.ts';
import { gcpSource } from './cloud/gcp.ts';
import { kubernetesSource } from './cloud/kubernetes.ts';
import { commandSource } from './command.ts';
import { commandWords } from './command-words.ts';
import { credentialResolver } from './resolver.ts';
import type { SecretSource } from './source.ts';
import { type Call, type Reply, serve } from './testing/server.ts';

const { signal } = new AbortController();
let folder: string;
let tls: { key: string; cert: string };

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sources-'));
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'];
  execFileSync('openssl', ['req', '-x509', ...kind, ...names, '-keyout', 'key.pem', '-out', 'ca.pem'], {
    cwd: folder,
    stdio: 'ignore',
  });
  const { readFile } = await import('node:fs/promises');
  tls = { key: await readFile(join(folder, 'key.pem'), 'utf8'), cert: await readFile(join(folder, 'ca.pem'), 'utf8') };
});
after(() => rm(folder, { recursive: true }));

async function serving(answer: (call: Call) => Reply | undefined, isTls: boolean, act: (url: string) => Promise<void>) {
  const server = await serve(answer, isTls ? tls : undefined);
  try {
    await act(server.url);
  } finally {
    await server.close();
  }
}

async function fails(source: SecretSource, name: string, why: RegExp): Promise<void> {
  const resolver = credentialResolver({ x: async () => source });
  await assert.rejects(resolver.resolve(`x:${name}`, signal), (error: Error) => {
    assert.match(error.message, why);
    assert.doesNotMatch(inspect(error, { depth: 9 }), /CANARY/);
    return true;
  });
}

test('command: words, a clean environment, limits, and no word of what it wrote', async () => {
  assert.deepEqual(commandWords(`/a 'b c' "d'e"f  ""`), ['/a', 'b c', "d'ef", '']);
  const program = join(folder, 'program');
  await writeFile(
    program,
    '#!/bin/sh\necho CANARY-err >&2\ncase "$1" in\nenv) env;;\nfail) echo CANARY; exit 3;;\nslow) sleep 60;;\nmuch) head -c 70000 /dev/zero;;\nnone) ;;\n*) echo "$1 \\$HOME";;\nesac\n',
  );
  await chmod(program, 0o700);
  const source = commandSource({ SALLYPORT_COMMANDS: program, APP_PW: 'CANARY', HOME: '/h' }, 1_000);
  assert.equal(await source.secret(`${program} 'a b'`, signal), 'a b $HOME');
  assert.doesNotMatch(await source.secret(`${program} env`, signal), /CANARY/);
  await fails(source, `${program} fail CANARY`, /program could not be resolved: the program ended with status 3/);
  await fails(source, `${program} slow`, /more than 1000 ms/);
  await fails(source, `${program} much`, /more than 65536 bytes/);
  await fails(source, `${program} none`, /wrote nothing/);
  await fails(source, '/bin/sh -c CANARY', /does not run that program.*SALLYPORT_COMMANDS/);
  await fails(source, 'sh CANARY', /x:… could not.*absolute/);
  await fails(source, `${program} 'CANARY`, /not closed/);
});

test('k8s-secret: over TLS, with a token that is read anew', async () => {
  const data = { password: Buffer.from('CANARY-pw').toString('base64') };
  const answer = ({ path, headers }: Call): Reply => {
    if (headers.authorization !== 'Bearer CANARY-new') return { status: 401, body: { message: 'CANARY' } };
    if (path.endsWith('/denied')) return { status: 403, body: {} };
    return path === '/api/v1/namespaces/ns/secrets/db' ? { status: 200, body: { data } } : { status: 404, body: {} };
  };
  await serving(answer, true, async (url) => {
    const [token, ca] = [join(folder, 'k8s-token'), join(folder, 'ca.pem')];
    const settings = { SALLYPORT_K8S_URL: url, SALLYPORT_K8S_TOKEN_FILE: token, SALLYPORT_K8S_CA_FILE: ca };
    const source = kubernetesSource(settings);
    await writeFile(token, 'CANARY-old');
    await fails(source, 'ns/db', /does not accept/);
    await writeFile(token, 'CANARY-new\n');
    assert.equal(await source.secret('ns/db', signal), 'CANARY-pw');
    await fails(source, 'ns/db#no', /no field no/);
    await fails(source, 'ns/denied', /Role in ns/);
    await fails(source, 'ns/gone', /no such secret/);
    await fails(source, 'ns/../x', /not of the form/);
    await fails(kubernetesSource({ ...settings, SALLYPORT_K8S_CA_FILE: join(folder, 'none') }), 'ns/db', /ENOENT/);
    await fails(kubernetesSource({}), 'ns/db', /does not run in a cluster/);
  });
});

test('aws-sm: signed, by name, with a field; its refusals', async () => {
  const answer = ({ headers, body }: Call): Reply => {
    assert.match(headers.authorization ?? '', /^AWS4-HMAC-SHA256 Credential=AKID\/\d{8}\/eu-west-1\/secretsmanager\//);
    assert.equal(headers['x-amz-target'], 'secretsmanager.GetSecretValue');
    const name = String(body['SecretId']);
    if (name === 'app/db') return { status: 200, body: { SecretString: '{"password":"CANARY-pw"}' } };
    return { status: 400, body: { __type: name, message: 'CANARY' } };
  };
  await serving(answer, false, async (url) => {
    Object.assign(process.env, { AWS_ENDPOINT_URL: url, AWS_REGION: 'eu-west-1' });
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'AKID', AWS_SECRET_ACCESS_KEY: 'CANARY-key' });
    const source = awsSource();
    assert.equal(await source.secret('app/db#password', signal), 'CANARY-pw');
    await fails(source, 'app/db#nope', /no field nope/);
    await fails(source, 'ResourceNotFoundException', /no secret of that name/);
    await fails(source, 'AccessDeniedException', /secretsmanager:GetSecretValue/);
    await fails(source, 'ExpiredTokenException', /login has expired/);
    await fails(source, 'a b', /neither/);
    await source.close?.();
  });
});

test('gcp-sm: the metadata server’s login, the newest version; its refusals', async () => {
  const answer = ({ path, headers }: Call): Reply => {
    const google = { 'metadata-flavor': 'Google' };
    if (path.includes('/token')) {
      return {
        status: 200,
        headers: google,
        body: { access_token: 'CANARY-t', expires_in: 600, token_type: 'Bearer' },
      };
    }
    if (path.startsWith('/computeMetadata')) return { status: 200, headers: google, body: 'p' };
    if (headers.authorization !== 'Bearer CANARY-t') return { status: 401, body: {} };
    if (path.includes('/denied/')) return { status: 403, body: { error: 'CANARY' } };
    if (path !== '/v1/projects/p/secrets/db/versions/latest:access') return { status: 404, body: {} };
    return { status: 200, body: { payload: { data: Buffer.from('CANARY-pw').toString('base64') } } };
  };
  await serving(answer, false, async (url) => {
    process.env['GCE_METADATA_HOST'] = url.replace('http://', '');
    process.env['METADATA_SERVER_DETECTION'] = 'assume-present';
    const source = gcpSource({ CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER: url });
    assert.equal(await source.secret('projects/p/secrets/db', signal), 'CANARY-pw');
    await fails(source, 'projects/p/secrets/db#a', /no JSON object/);
    await fails(source, 'projects/p/secrets/denied', /secretmanager.secretAccessor/);
    await fails(source, 'projects/p/secrets/gone/versions/3', /no such secret or version/);
    await fails(source, 'db', /not of the form/);
  });
});

test('azure-kv: challenge, managed identity, and no token for another service', async () => {
  let resource = 'https://vault.azure.net';
  const vault = ({ path, headers }: Call): Reply => {
    const challenge = `Bearer authorization="https://login.microsoftonline.com/t", resource="${resource}"`;
    if (headers.authorization === undefined) return { status: 401, headers: { 'www-authenticate': challenge } };
    if (headers.authorization !== 'Bearer CANARY-az') return { status: 401 };
    if (path === '/secrets/db?api-version=7.4') return { status: 200, body: { value: '{"password":"CANARY-pw"}' } };
    return path.includes('denied') ? { status: 403, body: 'CANARY' } : { status: 404, body: {} };
  };
  const identity = ({ headers }: Call): Reply =>
    headers['x-identity-header'] === 'CANARY-header'
      ? { status: 200, body: { access_token: 'CANARY-az', expires_on: String(Math.floor(Date.now() / 1000) + 3600) } }
      : { status: 400 };
  await serving(identity, false, async (identityUrl) => {
    Object.assign(process.env, { IDENTITY_ENDPOINT: identityUrl, IDENTITY_HEADER: 'CANARY-header' });
    await serving(vault, true, async (url) => {
      const source = azureSource({}, { origin: () => url, ca: tls.cert });
      assert.equal(await source.secret('corp/db#password', signal), 'CANARY-pw');
      await fails(source, 'corp/denied', /Key Vault Secrets User/);
      await fails(source, 'corp/gone', /no secret of that name/);
      await fails(source, 'evil.example.com/db', /none of Azure/);
      resource = 'https://management.azure.com';
      await fails(source, 'corp/db', /token of another service/);
    });
  });
});

test('a client of a cloud is loaded when it is asked for, not before', () => {
  const loadedBy = (reference: string) => {
    const script = `
      import { registerHooks } from 'node:module';
      const found = new Set();
      registerHooks({ load(url, context, next) {
        const name = /node_modules\\/(@aws-sdk|@azure|google-auth-library)/.exec(url)?.[1];
        if (name) found.add(name);
        return next(url, context);
      } });
      const { credentialResolver } = await import(${JSON.stringify(join(import.meta.dirname, 'resolver.ts'))});
      await credentialResolver().resolve(${JSON.stringify(reference)}, AbortSignal.timeout(5000)).catch(() => undefined);
      console.log(JSON.stringify([...found]));`;
    const env = { PATH: process.env['PATH'], APP_PW: 'pw' };
    return JSON.parse(execFileSync(process.execPath, ['--input-type=module', '-e', script], { env, encoding: 'utf8' }));
  };
  assert.deepEqual(loadedBy('env:APP_PW'), []);
  assert.deepEqual(loadedBy('vault:a/b'), []);
  assert.deepEqual(loadedBy('aws-sm:a b'), ['@aws-sdk']);
});
