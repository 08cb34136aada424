import assert from 'node:assert/strict';
import { createServer, type RequestOptions, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import { Unavailable } from '@sallyport/shared/errors/errors.ts';
import { type Role, requirements, services } from './roles.ts';
import { createApiServer, serverLimits } from './server.ts';
import { approvalOf, TestPorts } from './testing/ports.ts';

let server: Server;
let ports: TestPorts;
let port: number;
let now = 0;
const logged: string[] = [];

before(async () => {
  server = createServer(serverLimits, (req, res) => listener(req, res)).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  port = (server.address() as AddressInfo).port;
});
after(() => {
  server.closeAllConnections();
  server.close();
});

let listener: ReturnType<typeof createApiServer>;
beforeEach(() => {
  ports = new TestPorts();
  logged.length = 0;
  listener = createApiServer(ports, {
    publicUrl: 'https://access.example.com',
    log: (text) => logged.push(text),
    clock: () => now,
    recheckMs: 5,
  });
});

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
}

function send(path: string, options: RequestOptions, body = ''): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, ...options }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () =>
        resolve({
          status: answer.statusCode ?? 0,
          headers: answer.headers,
          text: Buffer.concat(chunks).toString('latin1'),
        }),
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

function call(
  method: string,
  token: string | undefined,
  body: object = {},
  headers: Record<string, string> = {},
): Promise<Answer> {
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return send(
    `/sallyport.api.v1.${method.replace('.', '/')}`,
    { method: 'POST', headers: { 'content-type': 'application/json', ...authorization, ...headers } },
    JSON.stringify(body),
  );
}

/** A stream's answer as text: its frames' JSON is readable between the frames' heads. */
function stream(method: string, token: string | undefined, body: object = {}): Promise<Answer> {
  const json = Buffer.from(JSON.stringify(body));
  const head = Buffer.alloc(5);
  head.writeUInt32BE(json.length, 1);
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const headers = { 'content-type': 'application/connect+json', ...authorization };
  return send(
    `/sallyport.api.v1.${method.replace('.', '/')}`,
    { method: 'POST', headers },
    Buffer.concat([head, json]).toString('latin1'),
  );
}

const tokens: Readonly<Record<Role, string>> = {
  user: 'token-alice',
  approver: 'token-approver',
  auditor: 'token-auditor',
  admin: 'token-admin',
};
const methods = services.flatMap((service) =>
  service.methods.map((method) => ({ name: `${service.name}.${method.name}`, streams: method.methodKind !== 'unary' })),
);

describe('who may call what', () => {
  it('is written down for every method, and for nothing else', () => {
    assert.deepEqual(Object.keys(requirements).sort(), methods.map(({ name }) => name).sort());
  });

  for (const { name, streams } of methods) {
    const allowed = requirements[name]?.roles ?? [];
    const outcome = async (token: string | undefined): Promise<string> => {
      // Ends also what would last.
      const body = name === 'AuditService.TailEvents' ? { last: 1 } : {};
      if (name === 'ApprovalService.WatchApprovals') setTimeout(() => ports.revoked.add(token ?? ''), 20);
      const { text } = await (streams ? stream(name, token, body) : call(name, token, body));
      if (text.includes('"this needs a token"') || text.includes('the token is not known')) return 'unauthenticated';
      return text.includes('permission_denied') && text.includes('may not do this') ? 'refused' : 'admitted';
    };
    it(`${name}: nobody ${allowed === 'anybody' ? 'too' : 'not'}`, async () => {
      const expected = allowed === 'anybody' ? 'admitted' : 'unauthenticated';
      assert.equal(await outcome(undefined), expected);
      assert.equal(await outcome('token-stranger'), expected);
    });
    for (const role of ['user', 'approver', 'auditor', 'admin'] as const) {
      const expected =
        allowed === 'anybody' || allowed.includes('user') || allowed.includes(role) ? 'admitted' : 'refused';
      it(`${name}: ${role} is ${expected}`, async () => assert.equal(await outcome(tokens[role]), expected));
    }
    it(`${name}: a token for one connection is ${requirements[name]?.scoped || allowed === 'anybody' ? 'admitted' : 'refused'}`, async () => {
      const { text } = await (streams ? stream(name, 'token-admin@prod-db') : call(name, 'token-admin@prod-db'));
      assert.equal(text.includes('and nothing else'), !(requirements[name]?.scoped || allowed === 'anybody'));
    });
  }
});

describe('what people see of others', () => {
  it('is not their sessions: they are not there', async () => {
    assert.equal((await call('SessionService.GetSession', 'token-alice', { id: 's1' })).status, 200);
    assert.equal((await call('SessionService.GetSession', 'token-bob', { id: 's1' })).status, 404);
    assert.match((await stream('SessionService.ReplaySession', 'token-bob', { id: 's1' })).text, /not_found/);
    assert.equal((await call('SessionService.KillSession', 'token-bob', { id: 's1' })).status, 404);
    assert.equal((await call('SessionService.KillSession', 'token-auditor', { id: 's1' })).status, 404);
    assert.deepEqual(
      ports.asked.filter(([what]) => what !== 'sessions'),
      [],
    );
    await call('SessionService.ListSessions', 'token-bob');
    assert.deepEqual(ports.asked.at(-1), ['sessions', { live: false, limit: 51, owner: 'user:bob' }]);
  });

  it('is not their tokens, nor any secret', async () => {
    const { text } = await call('IdentityService.ListTokens', 'token-alice');
    assert.ok(text.includes('tok_alice') && !text.includes('tok_bob') && !text.includes('never shown'));
    assert.equal((await call('IdentityService.ListTokens', 'token-alice', { all: true })).status, 403);
    assert.equal((await call('IdentityService.RevokeToken', 'token-alice', { id: 'tok_bob' })).status, 404);
    assert.equal((await call('IdentityService.RevokeToken', 'token-admin', { id: 'tok_bob' })).status, 200);
  });

  it('is an approval that they asked for or may decide', async () => {
    ports.approvalList = [{ ...approvalOf('a2'), requester: { id: 'user:carol', name: 'carol' } }];
    assert.equal((await call('ApprovalService.GetApproval', 'token-alice', { id: 'a2' })).status, 404);
    assert.equal((await call('ApprovalService.GetApproval', 'token-bob', { id: 'a2' })).status, 200);
    assert.equal(
      (await call('ApprovalService.DecideApproval', 'token-alice', { id: 'a2', choice: 'CHOICE_APPROVE' })).status,
      404,
    );
    assert.deepEqual(ports.asked, []);
  });
});

describe('a decision', () => {
  it("carries who made it, and the desk's refusal comes back", async () => {
    const choice = 'CHOICE_APPROVE';
    assert.equal((await call('ApprovalService.DecideApproval', 'token-bob', { id: 'a1', choice })).status, 200);
    assert.deepEqual(ports.asked.at(-1), ['decide', 'a1', 'user:bob', true, '']);
    const own = await call('ApprovalService.DecideApproval', 'token-alice', { id: 'a1', choice });
    assert.equal(own.status, 403);
    assert.match(own.text, /nobody decides their own request/);
  });

  it('is made in words: no choice, or a rejection without a reason, is none', async () => {
    assert.equal((await call('ApprovalService.DecideApproval', 'token-bob', { id: 'a1' })).status, 400);
    assert.equal(
      (await call('ApprovalService.DecideApproval', 'token-bob', { id: 'a1', choice: 'CHOICE_REJECT' })).status,
      400,
    );
    assert.deepEqual(ports.asked, []);
  });
});

describe('tokens', () => {
  const lastOrder = () => ports.asked.at(-1)![1] as Record<string, unknown>;

  it('end no later than the one that they were asked with, unless an administrator asks for another', async () => {
    await call('IdentityService.MintToken', 'token-alice', {});
    assert.equal(lastOrder()['notAfter'], Date.UTC(2100, 0, 1));
    assert.equal((await call('IdentityService.MintToken', 'token-alice', { user: 'bob' })).status, 403);
    assert.equal((await call('IdentityService.MintToken', 'token-admin', { serviceAccount: 'ci' })).status, 200);
    assert.equal(lastOrder()['notAfter'], undefined);
    assert.equal((await call('IdentityService.MintToken', 'token-admin', { serviceAccount: 'nobody' })).status, 404);
    assert.equal((await call('IdentityService.MintToken', 'token-admin', { ttl: '9000000s' })).status, 400);
  });

  it("change one's own password only with the current one", async () => {
    assert.equal((await call('IdentityService.SetPassword', 'token-admin', { newPassword: 'x' })).status, 400);
    assert.equal(
      (await call('IdentityService.SetPassword', 'token-alice', { user: 'bob', newPassword: 'x' })).status,
      403,
    );
    assert.equal(
      (await call('IdentityService.SetPassword', 'token-admin', { user: 'bob', newPassword: 'x' })).status,
      200,
    );
  });
});

describe('sign-in', () => {
  const attempt = (user: string) => call('IdentityService.SignIn', undefined, { user, password: 'wrong' });

  it('is slowed down for a name, also before the password is looked at', async () => {
    for (let count = 0; count < 10; count++) assert.equal((await attempt('alice')).status, 401);
    const asked = ports.asked.length;
    const limited = await attempt('alice');
    assert.equal(limited.status, 429);
    assert.equal(ports.asked.length, asked);
    assert.equal((await attempt('bob')).status, 401);
    now += 6_000;
    assert.equal((await attempt('alice')).status, 401);
  });

  it('is slowed down for an address, whatever the names', async () => {
    for (let count = 0; count < 30; count++) assert.equal((await attempt(`name${count}`)).status, 401);
    assert.equal((await attempt('another')).status, 429);
  });
});

describe('errors', () => {
  it('of the inside stay inside; the log has them', async () => {
    (ports.agents as { list: unknown }).list = () => Promise.reject(new Error('password=hunter2 at 10.0.0.5'));
    const answer = await call('AgentService.ListAgents', 'token-admin');
    assert.equal(answer.status, 500);
    assert.ok(!answer.text.includes('hunter2') && answer.text.includes('an error of its own'));
    assert.equal(logged.length, 1);
  });

  it('stay inside a stream too', async () => {
    (ports.sessions as { replay: unknown }).replay = () => Promise.reject(new Error('hunter2'));
    const { text } = await stream('SessionService.ReplaySession', 'token-alice', { id: 's1' });
    assert.ok(!text.includes('hunter2') && text.includes('an error of its own'));
  });

  it('of what is down say so, with what it is', async () => {
    const down = () => Promise.reject(new Unavailable('store', 'ERR_STORE_UNAVAILABLE', 'the store cannot be reached'));
    (ports.identity as { authenticate: unknown }).authenticate = down;
    const answer = await call('IdentityService.WhoAmI', 'token-alice');
    assert.equal(answer.status, 503);
    assert.match(answer.text, /the store cannot be reached/);
  });

  it('of a file carry file and line', async () => {
    const answer = await call('ResourceService.ApplyResources', 'token-admin', {
      documents: [{ file: 'a.yaml', text: 'wrong' }],
    });
    assert.equal(answer.status, 400);
    assert.match(answer.text, /a\.yaml:3: there is no/);
  });
});

describe('a stream that lasts', () => {
  it('ends when its token does', async () => {
    const watching = stream('ApprovalService.WatchApprovals', 'token-bob');
    setImmediate(() => ports.revoked.add('token-bob'));
    const { text } = await watching;
    assert.match(text, /unauthenticated/);
  });

  it('is one of so many for a caller', async () => {
    const open = Array.from({ length: 33 }, () => stream('ApprovalService.WatchApprovals', 'token-approver'));
    const refused = await Promise.any(open);
    assert.match(refused.text, /resource_exhausted/);
    ports.revoked.add('token-approver');
    const texts = (await Promise.all(open)).map(({ text }) => text);
    assert.equal(texts.filter((text) => text.includes('resource_exhausted')).length, 1);
    const again = stream('ApprovalService.WatchApprovals', 'token-bob');
    setImmediate(() => ports.revoked.add('token-bob'));
    assert.doesNotMatch((await again).text, /resource_exhausted/);
  });
});

describe('requests from elsewhere', () => {
  const json = { 'content-type': 'application/json', authorization: 'Bearer token-alice' };
  const asks = (headers: Record<string, string>) =>
    send('/sallyport.api.v1.IdentityService/WhoAmI', { method: 'POST', headers: { ...json, ...headers } }, '{}');

  it('by a name that is not ours are not served: a rebound name', async () => {
    assert.equal((await asks({ host: 'evil.example' })).status, 421);
    assert.equal((await asks({ host: 'evil.example:8080' })).status, 421);
    for (const host of ['access.example.com', 'localhost:8080', `127.0.0.1:${port}`, '[::1]:8080']) {
      assert.equal((await asks({ host })).status, 200, host);
    }
  });

  it('by pages of other origins are not served', async () => {
    for (const origin of ['https://evil.example', 'null', 'http://127.0.0.1:1'])
      assert.equal((await asks({ origin })).status, 403, origin);
    assert.equal((await asks({ origin: `http://127.0.0.1:${port}` })).status, 200);
    assert.equal((await asks({ 'sec-fetch-site': 'cross-site' })).status, 403);
  });

  it('in a form that any page could send are not understood', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
      assert.equal((await asks({ 'content-type': type })).status, 415, type);
    }
    const preflight = await send('/sallyport.api.v1.IdentityService/WhoAmI', { method: 'OPTIONS' });
    assert.equal(preflight.headers['access-control-allow-origin'], undefined);
  });

  it('that are too large are not read', async () => {
    assert.equal(
      (await call('IdentityService.SignIn', undefined, { user: 'a'.repeat(100_000), password: 'x' })).status,
      429,
    );
    const large = { documents: [{ file: 'a.yaml', text: 'a'.repeat(100_000) }] };
    assert.equal((await call('ResourceService.ApplyResources', 'token-admin', large)).status, 200);
  });

  it('with keys that nobody knows are refused', async () => {
    assert.equal((await call('IdentityService.WhoAmI', 'token-alice', { surprise: 1 })).status, 400);
  });
});

describe('pages', () => {
  it('say how to go on, run nothing and load nothing', async () => {
    for (const [path, word] of [
      ['/', 'sallyport login --url https://access.example.com'],
      ['/approvals/a1', 'sallyport approvals approve a1'],
    ] as const) {
      const { status, headers, text } = await send(path, { headers: { host: 'access.example.com' } });
      assert.equal(status, 200);
      assert.ok(text.includes(word));
      assert.match(String(headers['content-security-policy']), /default-src 'none'/);
      assert.ok(!/<script|src=|href=/.test(text));
    }
  });

  it('are few', async () => {
    assert.equal((await send('/approvals/%3Cscript%3E', {})).status, 404);
    assert.equal((await send('/../etc/passwd', {})).status, 404);
    assert.equal((await send('/healthz', {})).text, 'ok\n');
    assert.equal((await send('/', { method: 'POST' })).status, 404);
  });
});
