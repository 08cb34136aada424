import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { inspect } from 'node:util';
import { awsSource } from './cloud/aws.ts';
import { azureSource } from './cloud/azure.ts';
import { gcpSource } from './cloud/gcp.ts';
import { kubernetesSource } from './cloud/kubernetes.ts';
import { ask } from './http/ask.ts';
import { credentialResolver } from './resolver.ts';
import type { SecretSource } from './source.ts';
import { type Call, type Reply, serve } from './testing/server.ts';
import { vaultSource } from './vault/source.ts';

/** Servers of secrets that misbehave, for each source in turn: what is said, what is sent on, and what is kept. */
const { signal } = new AbortController();
const MIB = 1024 * 1024;
let folder: string;
const pair = (name: string, ...more: string[]) => {
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', '/CN=test'];
  const files = ['-keyout', `${name}.key`, '-out', `${name}.pem`];
  execFileSync('openssl', ['req', '-x509', ...kind, ...more, ...files], { cwd: folder, stdio: 'ignore' });
  return {
    key: readFileSync(join(folder, `${name}.key`), 'utf8'),
    cert: readFileSync(join(folder, `${name}.pem`), 'utf8'),
  };
};
/** One whose time was over yesterday. */
const expired = () => {
  const run = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });
  writeFileSync(join(folder, 'names'), 'subjectAltName=IP:127.0.0.1');
  run('req', '-new', '-key', 'right.key', '-subj', '/CN=test', '-out', 'past.csr');
  run(
    'x509',
    '-req',
    '-in',
    'past.csr',
    '-signkey',
    'right.key',
    '-days',
    '-1',
    '-extfile',
    'names',
    '-out',
    'past.pem',
  );
  return { key: right.key, cert: readFileSync(join(folder, 'past.pem'), 'utf8') };
};
let right: { key: string; cert: string };
let other: { key: string; cert: string };
let elsewhere: { key: string; cert: string };

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'contract-'));
  const here = ['-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];
  right = pair('right', '-days', '1', ...here);
  other = pair('other', '-days', '1', ...here);
  elsewhere = pair('elsewhere', '-days', '1', '-addext', 'subjectAltName=DNS:elsewhere.example');
  writeFileSync(join(folder, 'token'), 'CANARY-k8s');
  Object.assign(process.env, {
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'AKID',
    AWS_SECRET_ACCESS_KEY: 'CANARY-key',
  });
});
after(() => rmSync(folder, { recursive: true }));

interface Kind {
  readonly name: string;
  readonly reference: string;
  readonly isSecure: boolean;
  /** As the agent is set up for a server at that address. */
  readonly source: (url: string) => SecretSource;
  /** What comes before the secret: logins, challenges. Undefined for all else. */
  readonly prelude?: (call: Call) => Reply | undefined;
}

const k8sSettings = (url: string, ca = 'right.pem') => ({
  SALLYPORT_K8S_URL: url,
  SALLYPORT_K8S_TOKEN_FILE: join(folder, 'token'),
  SALLYPORT_K8S_CA_FILE: join(folder, ca),
});
const challenge = 'Bearer authorization="https://login.microsoftonline.com/t", resource="https://vault.azure.net"';
const kinds: readonly Kind[] = [
  {
    name: 'vault',
    reference: 'secret/app',
    isSecure: false,
    source: (url) => vaultSource({ VAULT_ADDR: url, VAULT_TOKEN: 'CANARY-token' }, () => undefined),
  },
  { name: 'k8s-secret', reference: 'ns/db', isSecure: true, source: (url) => kubernetesSource(k8sSettings(url)) },
  {
    name: 'aws-sm',
    reference: 'app/db',
    isSecure: false,
    source(url) {
      process.env['AWS_ENDPOINT_URL'] = url;
      return awsSource(5_000);
    },
  },
  {
    name: 'gcp-sm',
    reference: 'projects/p/secrets/db',
    isSecure: false,
    source(url) {
      process.env['GCE_METADATA_HOST'] = url.replace(/^https?:\/\//, '');
      process.env['METADATA_SERVER_DETECTION'] = 'assume-present';
      return gcpSource({ CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER: url });
    },
    prelude({ path }) {
      if (!path.startsWith('/computeMetadata')) return undefined;
      const body = path.includes('/token') ? { access_token: 'CANARY-g', expires_in: 600, token_type: 'Bearer' } : 'p';
      return { status: 200, headers: { 'metadata-flavor': 'Google' }, body };
    },
  },
  {
    name: 'azure-kv',
    reference: 'corp/db',
    isSecure: true,
    source: (url) => azureSource({}, { origin: () => url, ca: right.cert }),
    prelude({ path, headers }) {
      if (path.startsWith('/identity')) {
        return {
          status: 200,
          body: { access_token: 'CANARY-a', expires_on: String(Math.floor(Date.now() / 1000) + 3600) },
        };
      }
      return headers.authorization === undefined
        ? { status: 401, headers: { 'www-authenticate': challenge } }
        : undefined;
    },
  },
];

async function fails({ name, reference }: Kind, source: SecretSource, why: RegExp): Promise<void> {
  const resolver = credentialResolver({ [name]: async () => source }, () => undefined, {});
  const full = `${name}:${reference}`;
  await assert.rejects(resolver.resolve(full, signal), (error: Error) => {
    assert.ok(error.message.startsWith(`The credential ${full} could not be resolved: `), error.message);
    assert.match(error.message, why);
    assert.doesNotMatch(inspect(error, { depth: 9 }), /CANARY/);
    return true;
  });
  await source.close?.();
}

async function serving(kind: Kind, answer: (call: Call) => Reply | undefined, act: (url: string) => Promise<void>) {
  const server = await serve((call) => kind.prelude?.(call) ?? answer(call), kind.isSecure ? right : undefined);
  const identity = await serve((call) => kind.prelude?.({ ...call, path: '/identity' }));
  Object.assign(process.env, { IDENTITY_ENDPOINT: identity.url, IDENTITY_HEADER: 'CANARY-header' });
  try {
    await act(server.url);
  } finally {
    await server.close();
    await identity.close();
  }
}

for (const kind of kinds) {
  describe(`${kind.name}, when its server misbehaves`, () => {
    for (const status of [301, 302, 307, 308]) {
      it(`sends its token to no other host for a ${status}`, async () => {
        const calls: Call[] = [];
        const thief = await serve(
          (call) => {
            calls.push(call);
            return { status: 200, body: { data: { data: { password: 'CANARY-stolen' } } } };
          },
          kind.isSecure ? right : undefined,
        );
        const location = (path: string) => `${thief.url.replace('127.0.0.1', 'localhost')}${path}`;
        await serving(
          kind,
          ({ path }) => ({ status, headers: { location: location(path) } }),
          async (url) => fails(kind, kind.source(url), /./),
        );
        await thief.close();
        assert.deepEqual(calls, []);
      });
    }

    it('takes no endless answer', async () => {
      await serving(
        kind,
        () => ({
          status: 200,
          body: `{"SecretString":"${'x'.repeat(3 * MIB)}"}`,
          headers: { 'content-type': 'application/x-amz-json-1.1' },
        }),
        async (url) => fails(kind, kind.source(url), /more than 1048576 bytes/),
      );
    });

    it('takes nothing that is no answer of such a server', async () => {
      for (const body of ['<html>CANARY</html>', '[]', '{"data":"CANARY"}', '{}', '']) {
        await serving(
          kind,
          () => ({ status: 200, body }),
          async (url) => fails(kind, kind.source(url), /./),
        );
      }
    });

    it('says that it hung up, and that it failed', async () => {
      await serving(
        kind,
        () => undefined,
        async (url) => fails(kind, kind.source(url), /closed the connection/),
      );
      await serving(
        kind,
        () => ({ status: 500, body: { errors: ['CANARY'], message: 'CANARY' } }),
        async (url) => fails(kind, kind.source(url), /500|could not be asked/),
      );
    });
  });
}

describe('TLS that does not hold', () => {
  const k8s = kinds.find(({ name }) => name === 'k8s-secret') as Kind;
  const vault = kinds.find(({ name }) => name === 'vault') as Kind;
  const overTls = async (tls: { key: string; cert: string }, act: (url: string, calls: Call[]) => Promise<void>) => {
    const calls: Call[] = [];
    const server = await serve((call) => {
      calls.push(call);
      return { status: 200, body: { data: {} } };
    }, tls);
    await act(server.url, calls).finally(() => server.close());
    assert.deepEqual(calls, []);
  };

  it('another authority is not trusted, and no token is sent', async () => {
    await overTls(other, (url) =>
      fails(k8s, kubernetesSource(k8sSettings(url)), /signed by nobody that the agent trusts/),
    );
    await overTls(right, (url) =>
      fails(
        vault,
        vaultSource({ VAULT_ADDR: url, VAULT_TOKEN: 'CANARY' }, () => undefined),
        /signed by nobody/,
      ),
    );
  });

  it('another name is not trusted', async () => {
    await overTls(elsewhere, (url) =>
      fails(k8s, kubernetesSource(k8sSettings(url, 'elsewhere.pem')), /for another host name/),
    );
  });

  it('an expired certificate is told as such', async () => {
    const past = expired();
    await overTls(past, (url) => fails(k8s, kubernetesSource(k8sSettings(url, 'past.pem')), /certificate has expired/));
  });

  it('plain text where TLS is wanted is told as such', async () => {
    const plain = await serve(() => ({ status: 200, body: {} }));
    await fails(k8s, kubernetesSource(k8sSettings(plain.url.replace('http:', 'https:'))), /does not speak TLS there/);
    await plain.close();
  });
});

describe('one question', () => {
  it('is given up in time, also when the answer drips', async () => {
    const dripping = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n');
        const drip = setInterval(() => socket.write('x'), 20);
        socket.once('close', () => clearInterval(drip));
      });
    });
    const silent = createServer(() => undefined);
    for (const server of [dripping, silent]) {
      await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
      const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
      const from = performance.now();
      await assert.rejects(ask({ method: 'GET', url, timeoutMs: 300 }), /gave no answer within 300 ms/);
      assert.ok(performance.now() - from < 2_000);
      server.close();
    }
  });

  it('is given up by who asked, and takes no endless headers', async () => {
    const server = await serve(() => ({ status: 200, headers: { 'x-long': 'x'.repeat(20_000) } }));
    await assert.rejects(
      ask({ method: 'GET', url: new URL(server.url) }),
      /the connection failed \(HPE_HEADER_OVERFLOW\)/,
    );
    const given = AbortSignal.abort();
    await assert.rejects(
      ask({ method: 'GET', url: new URL(server.url), signal: given }),
      /given up before it answered/,
    );
    await server.close();
  });
});

describe('a Vault standby', () => {
  it('sends on to a host that the operator lists', async () => {
    const active = await serve(({ path, headers }) => {
      if (headers['x-vault-token'] !== 'CANARY-token') return { status: 403, body: { errors: ['permission denied'] } };
      if (path.includes('/ui/mounts/'))
        return { status: 200, body: { data: { path: 'secret/', type: 'kv', options: { version: '2' } } } };
      return { status: 200, body: { data: { data: { password: 'CANARY-pw' } } } };
    });
    const location = (path: string) => `${active.url.replace('127.0.0.1', 'localhost')}${path}`;
    const standby = await serve(({ path }) => ({ status: 307, headers: { location: location(path) } }));
    const settings = { VAULT_ADDR: standby.url, VAULT_TOKEN: 'CANARY-token' };
    const listed = vaultSource({ ...settings, VAULT_REDIRECT_HOSTS: 'vault-*.example, localhost' }, () => undefined);
    assert.equal(await listed.secret('secret/app', signal), 'CANARY-pw');
    const kind = kinds[0] as Kind;
    await fails(
      kind,
      vaultSource(settings, () => undefined),
      /sends on to localhost, to which the agent sends no token.*VAULT_REDIRECT_HOSTS/,
    );
    await listed.close?.();
    await Promise.all([active.close(), standby.close()]);
  });
});
