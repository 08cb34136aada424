import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { inspect } from 'node:util';
import { type CredentialResolver, credentialResolver } from '../resolver.ts';
import type { Environment } from '../source.ts';
import { serve } from '../testing/server.ts';
import { VaultServer } from '../testing/vault.ts';
import { vaultSource } from './source.ts';

const { signal } = new AbortController();
let vault: VaultServer;
let url: string;
let warnings: string[];
let folder: string;
let resolver: CredentialResolver;

beforeEach(async () => {
  vault = new VaultServer();
  url = await vault.start();
  warnings = [];
  folder = await mkdtemp(join(tmpdir(), 'vault-'));
  resolver = resolverWith({ VAULT_TOKEN: 'CANARY-root' });
});

afterEach(async () => {
  assert.doesNotMatch(warnings.join(), /CANARY/);
  await vault.stop();
  await rm(folder, { recursive: true });
});

function resolverWith(environment: Environment): CredentialResolver {
  const warn = (text: string) => void warnings.push(text);
  return credentialResolver({ vault: async () => vaultSource({ VAULT_ADDR: url, ...environment }, warn) }, warn);
}

async function fails(reference: string, why: RegExp, from = resolver): Promise<void> {
  await assert.rejects(from.resolve(reference, signal), (error: Error) => {
    assert.match(error.message, why);
    assert.doesNotMatch(inspect(error, { depth: 9 }), /CANARY/);
    return true;
  });
}

test('reads KV of both versions, detected once for each mount or said by the reference', async () => {
  assert.equal(await resolver.resolve('vault:secret/app/db', signal), 'CANARY-pw');
  assert.equal(await resolver.resolve('vault:secret/app/db#port', signal), '5432');
  assert.equal(await resolver.resolve('vault:old/app/db#password', signal), 'CANARY-pw');
  assert.equal(await resolver.resolve('vault:team/kv/app', signal), 'CANARY-pw');
  assert.equal(vault.count('ui/mounts'), 3);
  assert.equal(await resolver.resolve('vault:kv2:team/kv//app', signal), 'CANARY-pw');
  assert.equal(await resolver.resolve('vault:kv1:old/app/db', signal), 'CANARY-pw');
  assert.equal(vault.count('ui/mounts'), 3);
});

test('a mount that was made anew with the other version is found at the second try', async () => {
  vault.kvVersion = '1';
  await resolver.resolve('vault:secret/app/db', signal);
  await fails('vault:secret/gone', /no secret at that path/);
  vault.kvVersion = '2';
  assert.equal(await resolver.resolve('vault:secret/app/db', signal), 'CANARY-pw');
  assert.equal(vault.count('secret/data/app/db'), 1);
});

test('each refusal says which reference, why, and nothing secret', async () => {
  await fails('vault:secret/app/db#passwort', /vault:secret\/app\/db#passwort could not.*no field passwort/);
  await fails('vault:secret/app/db#toString', /no field toString/);
  await fails('vault:secret/app/db#nested', /is no text/);
  await fails('vault:secret/app/db#empty', /is empty/);
  await fails('vault:secret/app/db#', /nothing stands behind the #/);
  await fails('vault:secret/deleted', /was deleted/);
  await fails('vault:secret/destroyed', /was destroyed/);
  await fails('vault:secret/denied', /path "secret\/data\/denied" \{ capabilities = \["read"\] \}/);
  await fails('vault:nowhere/x', /nothing is mounted at nowhere\//);
  await fails('vault:secret/../sys/seal', /empty segment, \. or \.\./);
  await fails('vault:database/creds/none', /serves as a connection’s credential only/);
  await fails('vault:secret', /no mount|nothing is mounted/);
});

test('what Vault cannot serve is told apart', async () => {
  vault.isSealed = true;
  await fails('vault:secret/app/db', /it is sealed/);
  vault.isSealed = false;
  for (const [status, text, why] of [
    [429, 'rate limit', /too many requests/],
    [500, 'CANARY', /failed \(500\)/],
    [500, 'local node not active but active cluster node not found', /standby that reaches no active node/],
    [501, 'Vault is not initialized', /not initialised/],
    [502, '<html>CANARY</html>', /failed \(502\)/],
    [307, '', /standby and does not say well/],
  ] as const) {
    vault.failures.push({ status, body: text.startsWith('<') ? text : { errors: [text] } });
    await fails('vault:secret/app/db', why);
  }
  vault.failures.push({ status: 200, body: 'CANARY no json' });
  await fails('vault:secret/app/db', /other than JSON/);
  vault.failures.push({ status: 200, body: `"${'CANARY'.repeat(200_000)}"` });
  await fails('vault:secret/app/db', /more than 1048576 bytes/);
  await vault.stop();
  await fails('vault:secret/app/db', /nothing listens there/);
});

test('a standby sends on to the active node', async () => {
  const standby = await serve(({ path }) => ({ status: 307, headers: { location: `${url}${path}` } }));
  try {
    const through = resolverWith({ VAULT_ADDR: standby.url, VAULT_TOKEN: 'CANARY-root' });
    assert.equal(await through.resolve('vault:secret/app/db', signal), 'CANARY-pw');
  } finally {
    await standby.close();
  }
});

test('settings that cannot work are refused in words', async () => {
  await fails('vault:a/b', /set VAULT_ADDR/, resolverWith({ VAULT_ADDR: '' }));
  await fails('vault:a/b', /plain http/, resolverWith({ VAULT_ADDR: 'http://vault.example.com', VAULT_TOKEN: 'x' }));
  await fails('vault:a/b', /no way to log in/, resolverWith({}));
  await fails('vault:a/b', /more than one way/, resolverWith({ VAULT_TOKEN: 'CANARY', VAULT_ROLE_ID: 'role' }));
  await fails('vault:a/b', /does not accept the agent’s token/, resolverWith({ VAULT_TOKEN: 'CANARY-wrong' }));
  await fails(
    'vault:secret/app/db',
    /nothing is mounted/,
    resolverWith({ VAULT_TOKEN: 'CANARY-root', BAO_NAMESPACE: 'x' }),
  );
  vault.namespace = 'team';
  const inside = resolverWith({ VAULT_TOKEN: 'CANARY-root', BAO_NAMESPACE: 'team' });
  assert.equal(await inside.resolve('vault:secret/app/db', signal), 'CANARY-pw');
});

test('a token file is read anew when it was rotated', async () => {
  const file = join(folder, 'token');
  await writeFile(file, 'CANARY-root\n');
  const from = resolverWith({ VAULT_TOKEN_FILE: file });
  await from.resolve('vault:secret/app/db', signal);
  vault.tokens.clear();
  vault.tokens.set('CANARY-next', { ttl: 60, renewable: false });
  await fails('vault:secret/app/db', /does not accept the agent’s token/, from);
  await writeFile(file, 'CANARY-next\n');
  assert.equal(await from.resolve('vault:secret/app/db', signal), 'CANARY-pw');
});

test('AppRole: one login for all that ask at once, a new one when the token was revoked, the token revoked at the end', async () => {
  const file = join(folder, 'secret-id');
  await writeFile(file, 'CANARY-secret-id');
  const from = resolverWith({ VAULT_ROLE_ID: 'role', VAULT_SECRET_ID_FILE: file });
  await Promise.all(Array.from({ length: 20 }, () => from.resolve('vault:secret/app/db', signal)));
  assert.equal(vault.count('approle/login'), 1);
  vault.tokens.clear();
  assert.equal(await from.resolve('vault:secret/app/db', signal), 'CANARY-pw');
  assert.equal(vault.count('approle/login'), 2);
  await fails('vault:secret/denied', /policies do not let/, from);
  assert.equal(vault.count('approle/login'), 2, 'a denied path is no reason to log in again');
  await from.close();
  assert.equal(vault.tokens.size, 0);
  vault.secretId = 'CANARY-other';
  await fails('vault:secret/app/db', /refused the AppRole login at auth\/approle \(400\)/, from);
});

test('the agent’s own token is renewed before it ends', async () => {
  vault.tokenTtl = 3;
  const from = resolverWith({ VAULT_ROLE_ID: 'role', VAULT_SECRET_ID: 'CANARY-secret-id' });
  await from.resolve('vault:secret/app/db', signal);
  await until(() => vault.count('renew-self') > 0);
  await from.close();
});

test('Kubernetes: the service account’s token is read anew at each login', async () => {
  const file = join(folder, 'jwt');
  await writeFile(file, 'CANARY-old');
  const environment = { VAULT_K8S_ROLE: 'agent', VAULT_K8S_TOKEN_FILE: file };
  const from = resolverWith(environment);
  await fails('vault:secret/app/db', /refused the Kubernetes login at auth\/kubernetes as agent \(403\)/, from);
  await writeFile(file, 'CANARY-jwt');
  assert.equal(await from.resolve('vault:secret/app/db', signal), 'CANARY-pw');
  await fails('vault:a/b', /there is no such role/, resolverWith({ ...environment, VAULT_K8S_ROLE: 'x' }));
});

test('a login that Vault issues comes with its username, is renewed, and is revoked at release', async () => {
  vault.leaseTtl = 1.5;
  const login = await resolver.login({ username: '', password: 'vault:database/creds/app' }, signal);
  const { lease } = login;
  assert.ok(lease !== undefined && login.username.startsWith('v-app-') && login.password === 'CANARY-dynamic');
  await new Promise<void>((resolve) => lease.onRenewal(() => resolve()));
  assert.ok((vault.leases.get(lease.id)?.renewals ?? 0) > 0);
  assert.deepEqual(await Promise.all([lease.release(), lease.release()]), [true, true]);
  assert.equal(vault.leases.size, 0);
  assert.equal(vault.count('leases/revoke'), 1);
});

test('the end of a lease that was revoked at Vault is told', async () => {
  vault.leaseTtl = 1.5;
  const { lease } = await resolver.login({ username: '', password: 'vault:database/creds/app' }, signal);
  vault.leases.clear();
  const end = await new Promise<{ reason: string }>((resolve) => lease?.onEnd(resolve));
  assert.match(end.reason, /could not be renewed: Vault knows the lease no more/);
});

test('a session that is given up while Vault issues leaves no lease behind', async () => {
  const given = new AbortController();
  const login = resolver.login({ username: '', password: 'vault:database/creds/app' }, given.signal);
  given.abort();
  await assert.rejects(login, /given up before Vault answered/);
  await until(() => vault.count('leases/revoke') === 1);
  assert.equal(vault.leases.size, 0);
});

test('a revocation that fails is tried again; closing the resolver releases what is open', async () => {
  const { lease } = await resolver.login({ username: '', password: 'vault:database/creds/app' }, signal);
  vault.failures.push({ status: 500, body: { errors: ['CANARY'] } });
  assert.equal(await lease?.release(), true);
  await resolver.login({ username: '', password: 'vault:database/creds/app' }, signal);
  await resolver.close();
  assert.equal(vault.leases.size, 0);
});

test('static secrets keep the configured username; static roles say theirs; a plugin’s own words are not shown', async () => {
  const kept = await resolver.login({ username: 'app', password: 'vault:secret/app/db' }, signal);
  assert.deepEqual(kept, { username: 'app', password: 'CANARY-pw' });
  const fixed = await resolver.login({ username: '', password: 'vault:database/static-creds/app' }, signal);
  assert.equal(fixed.username, 'static');
  for (const [role, why] of [
    ['none', /no role of that name/],
    ['broken', /failed \(500\)/],
  ] as const) {
    await assert.rejects(
      resolver.login({ username: '', password: `vault:database/creds/${role}` }, signal),
      (error: Error) => {
        assert.match(error.message, why);
        assert.doesNotMatch(inspect(error), /CANARY/);
        return true;
      },
    );
  }
  await assert.rejects(resolver.login({ username: '', password: 'vault:secret/app/db' }, signal), /names no username/);
});

async function until(holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (!holds()) {
    assert.ok(Date.now() < deadline, 'it happened within 5 s');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
