import type { Principal } from '@sallyport/shared/access/principal.ts';
import type { Denial } from '@sallyport/shared/access/verdict.ts';
import { ConfigError } from '@sallyport/shared/errors/errors.ts';
import type { Grant } from '../../approvals/grants/grant.ts';
import type { Approval } from '../../approvals/store.ts';
import type { SessionRecord } from '../../sessions/store.ts';
import type { ApiPorts, JournalEntry, ReachableConnection, StoredResource, TranscriptEvent } from '../ports.ts';

export const startedAt = Date.UTC(2026, 0, 2, 3, 4, 5);
const expiresAt = Date.UTC(2100, 0, 1);

/** Who bears which token in tests: `token-<name>`. */
export const people: Readonly<Record<string, Principal>> = {
  alice: { id: 'user:alice', name: 'alice', groups: ['engineering'], claims: {} },
  bob: { id: 'user:bob', name: 'bob', groups: ['dba'], claims: {} },
  approver: { id: 'user:approver', name: 'approver', groups: ['approvers'], claims: {} },
  auditor: { id: 'user:auditor', name: 'auditor', groups: ['auditors'], claims: {} },
  admin: { id: 'user:admin', name: 'admin', groups: ['admins'], claims: {} },
};

/** Something to look at on every port; what was asked of them is in `asked`. */
export class TestPorts implements ApiPorts {
  readonly asked: unknown[][] = [];
  readonly revoked = new Set<string>();
  transcript: readonly TranscriptEvent[] = [];
  approvalList: Approval[] = [approvalOf('a1')];
  journal: JournalEntry[] = [1, 2, 3].map(entryOf);
  intact = true;
  connection: ReachableConnection = {
    name: 'prod-db',
    protocol: 'postgres',
    labels: { env: 'prod' },
    online: true,
    needsApproval: false,
    host: '127.0.0.1',
    port: 15432,
    user: 'alice',
    tls: true,
    command: 'psql …',
  };

  readonly directories: ApiPorts['directories'] = {
    mint: async (order) => {
      this.asked.push(['mintDirectoryToken', order]);
      if (order.provider !== 'corporate') return undefined;
      return { token: 'sps_fresh', id: 'dir_fresh', expiresAt, url: 'https://gateway.example.com/scim/v2' };
    },
    tokens: async () => [],
    revoke: async (id) => id === 'dir_fresh',
  };

  readonly serviceAccounts: ApiPorts['serviceAccounts'] = {
    createSecret: async ({ service }) =>
      service === 'ci' ? { secret: 'spa_fresh', id: 'sec_fresh', expiresAt } : undefined,
    secrets: async () => [],
    revokeSecret: async (id) => id === 'sec_fresh',
  };

  readonly identity: ApiPorts['identity'] = {
    authenticate: async (secret) => {
      const [, name = '', scope] = /^token-([a-z]+)(?:@(.+))?$/.exec(secret) ?? [];
      const principal = Object.hasOwn(people, name) ? people[name] : undefined;
      if (principal === undefined || this.revoked.has(secret)) return denial('the token is not known');
      return { principal, tokenId: `tok_${name}`, expiresAt, connection: scope };
    },
    signIn: async (order) => {
      this.asked.push(['signIn', order]);
      const principal = people[order.user];
      if (principal === undefined || order.password !== 'correct horse')
        return denial('the user or the password is wrong');
      return { token: `token-${order.user}`, id: `tok_${order.user}`, expiresAt, principal };
    },
    mint: async (order) => {
      this.asked.push(['mint', order]);
      if (order.ttlMs !== undefined && order.ttlMs > 30 * 86_400_000)
        throw new RangeError('a token may live for 30 days at most');
      return order.for?.name === 'nobody' ? undefined : { token: 'spt_fresh', id: 'tok_fresh', expiresAt };
    },
    tokens: async (owner) =>
      [tokenOf('tok_alice', 'alice'), tokenOf('tok_bob', 'bob')].filter(
        ({ principal }) => owner === undefined || principal.id === owner,
      ),
    token: async (id) => (id === 'tok_bob' || id === 'tok_alice' ? tokenOf(id, id.slice(4)) : undefined),
    revoke: async (id) => {
      this.asked.push(['revoke', id]);
      return true;
    },
    setPassword: async (order) => {
      this.asked.push(['setPassword', order]);
      return order.user === 'nobody' ? undefined : true;
    },
  };

  readonly keys: ApiPorts['keys'] = {
    authority: { line: 'ssh-ed25519 AAAA sallyport-user-ca', fingerprint: 'SHA256:authority' },
    server: () => ({
      host: 'access.example.com',
      port: 2222,
      knownHosts: ['[access.example.com]:2222 ssh-ed25519 AAAA'],
    }),
    sign: async ({ by, key, ttlMs, address }) => {
      this.asked.push(['sign', by.tokenId, key.type, ttlMs, address]);
      return {
        certificate: 'ssh-ed25519-cert-v01@openssh.com AAAA',
        serial: 7n,
        expiresAt,
        principal: by.principal.name,
      };
    },
    add: async ({ by, name, key, password, address }) => {
      this.asked.push(['addKey', by.id, name, key.type, password]);
      if (name === 'second') throw new RangeError('this key is registered already');
      return { ...keyOf('key_new', by.name), name, type: key.type, addedFrom: address };
    },
    list: async (owner) =>
      [keyOf('key_alice', 'alice'), keyOf('key_bob', 'bob')].filter(
        ({ principal }) => owner === undefined || principal.id === owner,
      ),
    key: async (id) => (id === 'key_alice' || id === 'key_bob' ? keyOf(id, id.slice(4)) : undefined),
    remove: async ({ id }, by) => {
      this.asked.push(['removeKey', id, by.id]);
      return true;
    },
  };

  readonly resources: ApiPorts['resources'] = {
    apply: async (order) => {
      this.asked.push(['apply', order]);
      const wrong = order.documents.find(({ text }) => text.includes('wrong'));
      if (wrong !== undefined)
        throw new ConfigError(wrong.file, 3, 'there is no "wrong"; did you mean "when"?', 'ERR_RESOURCE_INVALID');
      return [{ kind: 'Rule', name: 'reads', outcome: 'created' }];
    },
    list: async () => [rule],
    get: async (kind, name) => (kind === rule.kind && name === rule.name ? rule : undefined),
    remove: async (kind, name) => kind === rule.kind && name === rule.name,
  };

  readonly activity: ApiPorts['activity'] = { lastHour: () => [] };
  readonly leases: ApiPorts['leases'] = { list: () => [] };
  readonly policy: ApiPorts['policy'] = {
    check: async () => ({ outcomes: [], findings: [] }),
    async *simulate() {},
    explain: async () => undefined,
  };
  readonly notifiers: ApiPorts['notifiers'] = { list: () => [], test: async () => undefined };
  readonly agents: ApiPorts['agents'] = {
    list: async () => [
      {
        name: 'prod-vpc',
        online: true,
        labels: { zone: 'a' },
        version: '0.1.0',
        since: startedAt,
        address: '10.0.0.9',
        exchanges: 3,
      },
    ],
    createJoinToken: async () => ({
      token: 'spj_once',
      expiresAt,
      command: 'sallyport agent --gateway 127.0.0.1:8443',
    }),
    remove: async (name) => name === 'prod-vpc',
  };

  readonly approvals: ApiPorts['approvals'] = {
    list: async ({ state }) => this.approvalList.filter((each) => state === undefined || each.state === state),
    get: async (id) => this.approvalList.find((each) => each.id === id),
    mayDecide: (approval, { groups }) => approval.approvers.groups.some((group) => groups.includes(group)),
    decide: async (id, principal, approved, reason) => {
      this.asked.push(['decide', id, principal.id, approved, reason]);
      const found = this.approvalList.find((each) => each.id === id);
      if (found === undefined) return undefined;
      if (found.requester.id === principal.id)
        return { reason: 'forbidden', message: 'nobody decides their own request' };
      const decision = { by: principal.id, name: principal.name, approved, reason, at: startedAt };
      return { ...found, state: approved ? 'approved' : 'rejected', decisions: [decision] };
    },
    watch: (signal) => until(signal, this.approvalList),
  };

  readonly access: ApiPorts['access'] = {
    request: async (order) => {
      this.asked.push(['request', order]);
      if (order.connection !== this.connection.name) return undefined;
      return { approval: this.approvalList[0] ?? approvalOf('a1'), grant: undefined };
    },
    watch: (_, signal) => until(signal, this.approvalList),
    cancel: async (id, by) => {
      this.asked.push(['cancel', id, by.id]);
      return { ...approvalOf(id), state: 'cancelled' };
    },
    breakGlass: async (order) => {
      this.asked.push(['breakGlass', order]);
      if (order.connection !== this.connection.name) return undefined;
      if (order.reason === '') return { reason: 'forbidden', message: 'breaking the glass needs a reason' };
      return grantOf('grt-1');
    },
    list: async (filter) => {
      this.asked.push(['grants', filter]);
      if (filter.unreviewed === true) return [];
      return [grantOf('grt-1')].filter(({ principal }) => (filter.principal ?? principal.id) === principal.id);
    },
    get: async (id) => (id === 'grt-1' ? grantOf(id) : undefined),
    ofApproval: async () => grantOf('grt-1'),
    mayDecide: ({ approvers }, { groups }) => approvers.groups.some((group) => groups.includes(group)),
    revoke: async (id, by, why) => {
      this.asked.push(['revokeGrant', id, by.id, why]);
      return { ...grantOf(id), state: 'revoked', over: { at: startedAt, why, by } };
    },
    review: async (id, by, note) => {
      this.asked.push(['review', id, by.id, note]);
      return { ...grantOf(id), review: { at: startedAt, by, note } };
    },
  };

  readonly sessions: ApiPorts['sessions'] = {
    list: async (filter) => {
      this.asked.push(['sessions', filter]);
      return [session].filter(({ principal }) => filter.owner === undefined || filter.owner === principal.id);
    },
    get: async (id) => (id === session.id ? session : undefined),
    replay: async (id, options) => {
      this.asked.push(['replay', id, options.viewer.id, options.fromUs, options.follow]);
      return batches(this.transcript);
    },
    raw: async () => bytes(),
    kill: async (id, by, reason) => {
      this.asked.push(['kill', id, by.id, reason]);
      return true;
    },
  };

  readonly audit: ApiPorts['audit'] = {
    tail: (filter, signal) => {
      this.asked.push(['tail', filter]);
      return filter.follow ? until(signal, [this.journal]) : batches(this.journal);
    },
    verify: async () =>
      this.intact
        ? { intact: true, events: 3, head: 'cafe' }
        : { intact: false, events: 3, head: 'cafe', problem: 'the hash does not fit', brokenAt: 2 },
  };

  readonly connections: ApiPorts['connections'] = {
    list: async () => [this.connection],
    get: async (name) => (name === this.connection.name ? this.connection : undefined),
  };

  readonly health: ApiPorts['health'] = {
    problems: async () => ['nats down'],
    parts: async () => [
      { part: 'journal', state: 'ok', needed: true },
      { part: 'nats', state: 'down', needed: false },
    ],
  };
}

const denial = (message: string): Denial => ({
  reason: 'unauthenticated',
  message,
  hint: 'Sign in with: sallyport login',
});

const rule: StoredResource = {
  kind: 'Rule',
  name: 'reads',
  spec: { then: 'allow', who: { groups: ['engineering'] } },
  updatedAt: startedAt,
};

export const session: SessionRecord = {
  id: 's1',
  connection: 'prod-db',
  protocol: 'postgres',
  principal: { id: 'user:alice', name: 'alice' },
  sourceAddress: '10.1.1.1',
  application: 'psql',
  agent: 'prod-vpc',
  startedAt,
  endedAt: startedAt + 65_000,
  end: 'the client left',
  statements: 4,
  refused: 1,
};

export const grantOf = (id: string): Grant => ({
  id,
  principal: { id: 'user:alice', name: 'alice', groups: ['engineering'], claims: {} },
  connection: 'prod-db',
  rule: 'ask-first',
  terms: 'digest',
  reason: 'the queue is stuck',
  isBreakGlass: true,
  decidedBy: [{ id: 'user:alice', name: 'alice' }],
  approvers: { groups: ['dba'], users: [], count: 1, timeoutMs: 900_000 },
  startsAt: startedAt,
  endsAt: expiresAt,
  state: 'active',
});

export function approvalOf(id: string): Approval {
  return {
    id,
    state: 'pending',
    rule: 'deletes',
    approvers: { groups: ['dba'], users: [], count: 1, timeoutMs: 900_000 },
    sessionId: 's1',
    connection: 'prod-db',
    requester: { id: 'user:alice', name: 'alice' },
    action: {
      kind: 'postgres.query',
      verb: 'delete',
      effects: ['delete'],
      text: 'delete from users where id = $1',
      parameters: ['7', undefined],
      tables: [{ schema: 'public', name: 'users' }],
    },
    role: 'app_rw',
    requestedAt: startedAt,
    expiresAt,
    decisions: [],
  };
}

function entryOf(sequence: number): JournalEntry {
  const event = {
    id: `e${sequence}`,
    time: new Date(startedAt).toISOString(),
    type: 'postgres.query',
    connection: 'prod-db',
    sessionId: 's1',
    principal: { id: 'user:alice', name: 'alice' },
    data: { text: `select ${sequence}` },
  };
  return { sequence, hash: `hash${sequence}`, event };
}

function keyOf(id: string, name: string) {
  return {
    id,
    principal: people[name]!,
    name: 'laptop',
    type: 'ssh-ed25519',
    blob: 'AAAA',
    fingerprint: `SHA256:${name}`,
    addedAt: startedAt,
    addedFrom: '192.0.2.1',
    lastUsedAt: undefined,
    lastUsedFrom: undefined,
  };
}

function tokenOf(id: string, name: string) {
  const principal = people[name]!;
  return {
    id,
    hash: 'never shown',
    principal,
    connection: undefined,
    label: 'test',
    issuedAt: startedAt,
    expiresAt,
    revokedAt: undefined,
  };
}

async function* batches<T>(values: readonly T[]): AsyncGenerator<readonly T[]> {
  for (let at = 0; at < values.length; at += 2) yield values.slice(at, at + 2);
}

async function* bytes(): AsyncGenerator<Uint8Array> {
  yield Uint8Array.of(1, 2, 0xff);
}

/** Everything, then nothing until the signal. */
async function* until<T>(signal: AbortSignal, values: readonly T[]): AsyncGenerator<T> {
  yield* values;
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}
