import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { createApiServer } from '../server.ts';
import { TestPorts } from '../testing/ports.ts';

const ports = new TestPorts();
let server: Server;
let url = '';
before(async () => {
  const handler = createApiServer(ports, { publicUrl: 'http://127.0.0.1' });
  server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/sallyport.api.v1.AccessService`;
});
after(() => {
  server.closeAllConnections();
  server.close();
});

interface Answer {
  readonly code?: string;
  readonly grant?: { readonly id: string; readonly state: string; readonly needsReview: boolean };
  readonly grants?: readonly object[];
  readonly approval?: { readonly id: string };
}

async function call(method: string, body: unknown, who: string): Promise<Answer> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer token-${who}` };
  const response = await fetch(`${url}/${method}`, { method: 'POST', headers, body: JSON.stringify(body) });
  return (await response.json()) as Answer;
}

describe('the service of access for a time', () => {
  it('asks in the name of the caller, from their address', async () => {
    const duration = '7200s';
    const { approval } = await call('RequestAccess', { connection: 'prod-db', duration, reason: 'why' }, 'alice');
    assert.equal(approval?.id, 'a1');
    const [what, order] = ports.asked.at(-1) as [string, { by: { id: string }; durationMs: number; address: string }];
    assert.deepEqual([what, order.by.id, order.durationMs], ['request', 'user:alice', 7_200_000]);
    assert.match(order.address, /127\.0\.0\.1/);
  });

  it('says the same of what is not there and of what one may not ask for', async () => {
    assert.equal((await call('RequestAccess', { connection: 'other' }, 'alice')).code, 'not_found');
    assert.equal((await call('BreakGlass', { connection: 'other', reason: 'x' }, 'alice')).code, 'not_found');
  });

  it('refuses names, reasons and times that cannot be', async () => {
    for (const body of [
      { connection: '' },
      { connection: 'x'.repeat(257) },
      { connection: 'a\0b' },
      { connection: 'prod-db', reason: 'x'.repeat(501) },
      { connection: 'prod-db', duration: '0s' },
      { connection: 'prod-db', duration: '-1s' },
      { connection: 'prod-db', duration: '31622401s' },
      { connection: 'prod-db', duration: '315576000000s' },
    ]) {
      assert.equal((await call('RequestAccess', body, 'alice')).code, 'invalid_argument', JSON.stringify(body));
      assert.equal((await call('BreakGlass', body, 'alice')).code, 'invalid_argument', JSON.stringify(body));
    }
  });

  it('shows a grant to its person, to who could be asked, and to who may see all', async () => {
    for (const who of ['alice', 'bob', 'approver', 'auditor', 'admin']) {
      assert.equal((await call('GetGrant', { id: 'grt-1' }, who)).grant?.state, 'GRANT_STATE_ACTIVE', who);
    }
    ports.access.mayDecide = () => false;
    assert.equal((await call('GetGrant', { id: 'grt-1' }, 'bob')).code, 'not_found');
    assert.deepEqual((await call('ListGrants', { all: true }, 'bob')).grants, []);
    assert.equal((await call('ListGrants', { all: true }, 'auditor')).grants?.length, 1);
    assert.equal((await call('ListGrants', {}, 'alice')).grants?.length, 1);
  });

  it('takes back for the person, those who decide and administrators; who only looks on may not', async () => {
    ports.access.mayDecide = () => false;
    for (const who of ['alice', 'admin']) {
      assert.equal((await call('RevokeGrant', { id: 'grt-1' }, who)).grant?.state, 'GRANT_STATE_REVOKED', who);
    }
    for (const who of ['auditor', 'approver']) {
      assert.equal((await call('RevokeGrant', { id: 'grt-1' }, who)).code, 'permission_denied', who);
    }
    ports.access.revoke = async () => undefined;
    assert.equal((await call('RevokeGrant', { id: 'grt-1' }, 'alice')).code, 'failed_precondition');
  });

  it('needs somebody signed in, with a token for everything', async () => {
    assert.equal((await call('ListGrants', {}, 'nobody')).code, 'unauthenticated');
    assert.equal((await call('BreakGlass', { connection: 'prod-db' }, 'alice@prod-db')).code, 'permission_denied');
  });
});
