import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { selfSigned } from '../../harness/certificate.ts';
import { Stack } from '../../harness/stack.ts';
import { ApiServer } from '../../kubernetes/api-server.ts';

const clusterToken = 'the-clusters-own-token-4711';
const base64 = (value: string): string => Buffer.from(value).toString('base64');

const access = (port: number, ca: string): string => `
kind: Connection
name: cluster
spec:
  protocol: kubernetes
  agent: test-agent
  target: { url: "https://127.0.0.1:${port}", ca: ${JSON.stringify(ca)}, impersonate: true }
  credential: { bearer: "env:CLUSTER_TOKEN" }
---
kind: User
name: alice
spec: { groups: [engineering, "system:masters"] }
---
kind: User
name: dana
spec: { groups: [ops] }
---
kind: Rule
name: everything
spec: { who: { groups: [engineering, ops] }, then: allow }
---
kind: Rule
name: nothing-goes-in-prod
spec: { who: { any: true }, when: 'action.namespace == "prod" && "delete" in action.effects', then: deny, reason: nothing is deleted in prod }
---
kind: Rule
name: no-privileged-pods
spec:
  who: { any: true }
  when: 'action.resource == "pods" && action.verb == "create" && action.subresource == "" && action.body.spec.containers.exists(c, has(c.securityContext) && c.securityContext.privileged)'
  then: deny
---
kind: Rule
name: ask-before-scaling
spec: { who: { groups: [engineering] }, when: 'action.subresource == "scale" || (action.resource == "deployments" && action.verb == "patch")', then: approve, approvers: { groups: [ops], timeout: 30s } }
---
kind: Mask
name: secrets
spec: { connections: { names: [cluster] }, columns: ["*.secrets.data"], detect: [credit-card], except: { groups: [ops] } }
`;

describe('kubectl through the gateway', { timeout: 180_000 }, () => {
  let cluster: ApiServer;
  let stack: Stack;
  let folder: string;
  const tokens: Record<string, string> = {};

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sallyport-kube-'));
    const tls = selfSigned();
    cluster = await ApiServer.start(tls, clusterToken);
    for (const name of ['default', 'prod']) cluster.put('namespaces', { metadata: { name } });
    for (const namespace of ['default', 'prod'])
      cluster.put('pods', {
        metadata: { name: 'web', namespace },
        spec: { containers: [{ name: 'c', image: 'i' }] },
        status: { phase: 'Running' },
      });
    cluster.put('secrets', {
      metadata: { name: 'db', namespace: 'default' },
      type: 'Opaque',
      data: { password: base64('hunter2-of-the-cluster') },
    });
    cluster.put('deployments', { metadata: { name: 'api', namespace: 'default' }, spec: { replicas: 1 } });
    stack = await Stack.start({ secrets: { CLUSTER_TOKEN: clusterToken } });
    await stack.apply(access(cluster.port, tls.cert));
    for (const who of ['alice', 'dana']) {
      tokens[who] = await stack.token(who);
      const { status, err } = await stack.cli(
        ['kube', 'login', '--static', '--kubeconfig', join(folder, who)],
        tokens[who],
      );
      assert.equal(status, 0, err);
    }
  });
  after(async () => {
    await stack?.stop();
    cluster?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function start(who: string, args: readonly string[]) {
    const env = { PATH: process.env['PATH'], HOME: folder, KUBECONFIG: join(folder, who) };
    return spawn('kubectl', ['--cache-dir', join(folder, `cache-${who}`), ...args], { env });
  }

  async function kubectl(who: string, args: readonly string[], input = '') {
    const child = start(who, args);
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    const closed = once(child, 'close');
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
    await closed;
    return { status: child.exitCode, out, err };
  }

  it('lists, shows, makes, changes and deletes', async () => {
    const listed = await kubectl('alice', ['get', 'pods', '-A']);
    assert.equal(listed.status, 0, listed.err);
    assert.match(listed.out, /default +web/);
    const made = await kubectl(
      'alice',
      ['apply', '--validate=false', '-f', '-'],
      'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: settings }\ndata: { a: b }\n',
    );
    assert.equal(made.out, 'configmap/settings created\n', made.err);
    const applied = await kubectl(
      'alice',
      ['apply', '--validate=false', '-f', '-'],
      'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: settings }\ndata: { a: c }\n',
    );
    assert.equal(applied.status, 0, applied.err);
    const shown = await kubectl('alice', ['get', 'configmap', 'settings', '-o', 'jsonpath={.data.a}']);
    assert.equal(shown.out, 'c');
    const deleted = await kubectl('alice', ['delete', 'configmap', 'settings']);
    assert.equal(deleted.status, 0, deleted.err);
    assert.match((await kubectl('alice', ['get', 'configmap', 'settings'])).err, /not found/);
  });

  it('the cluster sees the agent’s credential, the person and their groups; nothing that the client said of itself', async () => {
    await kubectl('alice', ['get', 'ns', '--as', 'system:admin', '--as-group', 'system:masters', '--as-uid', '7']);
    const headers = cluster.seen.findLast(({ url }) => url.startsWith('/api/v1/namespaces'))?.headers ?? {};
    assert.equal(headers.authorization, `Bearer ${clusterToken}`);
    assert.equal(headers['impersonate-user'], 'alice');
    assert.equal(headers['impersonate-group'], 'engineering');
    assert.equal(headers['impersonate-uid'], undefined);
    assert.ok(!JSON.stringify(cluster.seen).includes(tokens['alice'] ?? ''), 'no token of ours leaves the gateway');
  });

  it('follows logs and watches as they come', async () => {
    const logs = await kubectl('dana', ['logs', '-f', 'web']);
    assert.match(logs.out, /first line\n.*\nline 1\nline 2\nline 3\n/s);
    const watching = start('dana', ['get', 'configmaps', '-w', '-o', 'name']);
    let seen = '';
    const arrived = new Promise<void>((resolve) =>
      watching.stdout.on('data', (chunk) => {
        seen += chunk;
        if (seen.includes('configmap/while-watching')) resolve();
      }),
    );
    for (let i = 0; !seen.includes('while-watching') && i < 20; i++) {
      cluster.put('configmaps', {
        metadata: { name: 'while-watching', namespace: 'default', labels: { round: String(i) } },
      });
      await Promise.race([arrived, new Promise((again) => setTimeout(again, 250))]);
    }
    assert.match(seen, /configmap\/while-watching/);
    watching.kill();
    await once(watching, 'exit');
  });

  it('runs commands in pods: streams apart, input, the status', async () => {
    const run = await kubectl(
      'dana',
      ['exec', '-i', 'web', '--', 'sh', '-c', 'cat; echo err >&2; exit 4'],
      'through the pod\n',
    );
    assert.equal(run.status, 4, run.err);
    assert.equal(run.out, 'through the pod\n');
    assert.match(run.err, /^err\n/);
  });

  it('what a rule denies is said as the cluster would say it, and does not reach it', async () => {
    const { status, err } = await kubectl('alice', ['delete', 'pod', 'web', '-n', 'prod']);
    assert.equal(status, 1);
    assert.match(err, /Error from server \(Forbidden\): sallyport: nothing is deleted in prod/);
    assert.ok(cluster.get('pods', 'prod', 'web') !== undefined);
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'evil' },
      spec: { containers: [{ name: 'c', image: 'i', securityContext: { privileged: true } }] },
    };
    const refused = await kubectl('alice', ['create', '--validate=false', '-f', '-'], JSON.stringify(pod));
    assert.match(refused.err, /Forbidden.*no-privileged-pods/s);
    assert.equal(cluster.get('pods', 'default', 'evil'), undefined);
    const plain = { ...pod, metadata: { name: 'good' }, spec: { containers: [{ name: 'c', image: 'i' }] } };
    assert.equal((await kubectl('alice', ['create', '--validate=false', '-f', '-'], JSON.stringify(plain))).status, 0);
  });

  it('what needs approval waits for it', async () => {
    const running = kubectl('alice', ['patch', 'deployment', 'api', '--type=merge', '-p', '{"spec":{"replicas":5}}']);
    let id = '';
    for (const until = Date.now() + 10_000; id === '' && Date.now() < until; ) {
      const { approvals = [] } = await stack.call<{ approvals?: { id: string }[] }>('ApprovalService/ListApprovals', {
        state: 'APPROVAL_STATE_PENDING',
      });
      id = approvals[0]?.id ?? '';
      if (id === '') await new Promise((again) => setTimeout(again, 25));
    }
    assert.equal((cluster.get('deployments', 'default', 'api') as { spec: { replicas: number } }).spec.replicas, 1);
    await stack.cli(['approvals', 'approve', id], tokens['dana']);
    const { status, err } = await running;
    assert.equal(status, 0, err);
    assert.equal((cluster.get('deployments', 'default', 'api') as { spec: { replicas: number } }).spec.replicas, 5);
  });

  it('values of Secrets are hidden in every form, and stay of their form', async () => {
    for (const args of [
      ['-o', 'yaml'],
      ['-o', 'json'],
      [],
      ['-o', 'jsonpath={.data.password}'],
      ['--show-managed-fields', '-o', 'json'],
    ]) {
      const { out, err, status } = await kubectl('alice', ['get', 'secret', 'db', ...args]);
      assert.equal(status, 0, err);
      assert.ok(!out.includes(base64('hunter2-of-the-cluster')) && !out.includes('hunter2'), out);
    }
    const shown = await kubectl('alice', ['get', 'secret', 'db', '-o', 'jsonpath={.data.password}']);
    assert.match(Buffer.from(shown.out, 'base64').toString(), /redacted/i);
    const dana = await kubectl('dana', ['get', 'secret', 'db', '-o', 'jsonpath={.data.password}']);
    assert.equal(Buffer.from(dana.out, 'base64').toString(), 'hunter2-of-the-cluster');
  });

  it('whoever writes back what was hidden does not destroy it', async () => {
    const before = JSON.stringify(cluster.get('secrets', 'default', 'db'));
    const { out } = await kubectl('alice', ['get', 'secret', 'db', '-o', 'json']);
    writeFileSync(join(folder, 'secret.json'), out);
    for (const args of [
      ['replace', '--validate=false', '-f', join(folder, 'secret.json')],
      ['apply', '--validate=false', '--server-side', '--force-conflicts', '-f', join(folder, 'secret.json')],
      ['patch', 'secret', 'db', '-p', '{"data":{"password":"eA=="}}'],
    ]) {
      const { status, err } = await kubectl('alice', args);
      assert.notEqual(status, 0, args.join(' '));
      assert.match(err, /a mask hides values of secrets from you here/, args.join(' '));
    }
    assert.equal(JSON.stringify(cluster.get('secrets', 'default', 'db')), before);
    assert.equal((await kubectl('alice', ['label', 'secret', 'db', 'tier=one'])).status, 0, 'labels may be changed');
  });

  it('detectors look at logs, at what commands show, and at every object', async () => {
    const logs = await kubectl('alice', ['logs', 'web']);
    assert.doesNotMatch(logs.out, /4111 1111/);
    assert.match(logs.out, /last line/);
    const run = await kubectl('alice', [
      'exec',
      'web',
      '--',
      'sh',
      '-c',
      'echo card 4111 1111 1111 1111; echo also 4111111111111111 >&2; exit 2',
    ]);
    assert.equal(run.status, 2, run.err);
    assert.doesNotMatch(run.out + run.err, /4111/);
    assert.match(run.out, /^card /);
    const dana = await kubectl('dana', ['logs', 'web']);
    assert.match(dana.out, /4111 1111 1111 1111/);
  });

  it('kubectl asks the command line for a credential by itself, and all of it goes away again', async () => {
    const file = join(folder, 'plugin');
    writeFileSync(
      file,
      'apiVersion: v1\nkind: Config\nclusters: [{ name: other, cluster: { server: "https://other" } }]\n',
    );
    const login = await stack.cli(['kube', 'login', 'cluster', '--kubeconfig', file], tokens['dana']);
    assert.equal(login.status, 0, login.err);
    const env = { PATH: process.env['PATH'], HOME: folder, KUBECONFIG: file, SALLYPORT_TOKEN: tokens['dana'] };
    const child = spawn('kubectl', ['--context', 'cluster', 'get', 'ns', '-o', 'name'], { env });
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
    assert.match(out, /namespace\/prod/, err);
    assert.equal((await stack.cli(['kube', 'logout', '--kubeconfig', file], tokens['dana'])).status, 0);
    const left = readFileSync(file, 'utf8');
    assert.ok(left.includes('https://other') && !left.includes('sallyport'), left);
  });

  it('is in the journal by verb and resource, without a secret', async () => {
    const { out } = await stack.cli(['audit', 'tail', '-n', '200', '--type', 'kube.request', '-o', 'json']);
    assert.match(out, /"resource":\s*"secrets"/);
    assert.match(out, /exec pods\/exec web -n default -- sh -c|create pods\/exec web -n default -- sh -c/);
    const everything = await stack.cli(['audit', 'export']);
    for (const hidden of [clusterToken, 'hunter2', base64('hunter2-of-the-cluster'), tokens['alice'] ?? '-'])
      assert.ok(!everything.out.includes(hidden), hidden);
  });
});
