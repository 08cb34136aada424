import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import type { Lease } from '@sallyport/shared/tunnel/opening.ts';
import { type IssuedLogin, type LeaseNotice, Leases } from './leases.ts';
import { type Issued, LeaseGone } from './login.ts';
import { RenewedLease } from './renewed-lease.ts';

const MINUTE_MS = 60_000;
/** What was promised before this moment has happened. */
const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
};
/** Time goes on in small steps, as timers lead to further ones. */
const pass = async (ms: number): Promise<void> => {
  for (let left = ms; left > 0; left -= 250) {
    mock.timers.tick(Math.min(250, left));
    await settled();
  }
};

beforeEach(() => mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_000_000 }));
afterEach(() => mock.timers.reset());

describe('a lease that is renewed', () => {
  const issuedBy = (renew: () => Promise<number>, more: Partial<Issued> = {}): Issued => ({
    id: 'lease-1',
    source: 'vault',
    expiresAt: Date.now() + 10 * MINUTE_MS,
    isRenewable: true,
    renew,
    revoke: async () => undefined,
    ...more,
  });
  const watched = (issued: Issued) => {
    const seen: string[] = [];
    const warnings: string[] = [];
    const lease = new RenewedLease(issued, (text) => warnings.push(text));
    lease.onRenewal(() => seen.push('renewed'));
    lease.onEnd(({ reason }) => seen.push(`over: ${reason}`));
    return { lease, seen, warnings };
  };

  it('is renewed at two thirds of what is left, again and again', async () => {
    const { seen, lease } = watched(issuedBy(async () => Date.now() + 10 * MINUTE_MS));
    await pass(6 * MINUTE_MS);
    assert.deepEqual(seen, []);
    await pass(MINUTE_MS);
    assert.deepEqual(seen, ['renewed']);
    await pass(7 * MINUTE_MS);
    assert.deepEqual(seen, ['renewed', 'renewed']);
    await lease.release();
  });

  it('is tried again where the source is down for a while', async () => {
    let calls = 0;
    const { seen, lease } = watched(
      issuedBy(async () => {
        calls += 1;
        if (calls < 4) throw new Error('Vault at https://vault: it gave no answer within 10000 ms');
        return Date.now() + 10 * MINUTE_MS;
      }),
    );
    await pass(9 * MINUTE_MS);
    assert.deepEqual([calls, seen], [4, ['renewed']]);
    await lease.release();
  });

  it('ends ahead of its time where the source stays down, told once, with why', async () => {
    let calls = 0;
    const { seen } = watched(
      issuedBy(async () => {
        calls += 1;
        throw new Error('Vault at https://vault: it is sealed');
      }),
    );
    await pass(10 * MINUTE_MS);
    assert.deepEqual(seen, ['over: it could not be renewed: Vault at https://vault: it is sealed']);
    assert.ok(calls > 3 && calls < 40, String(calls));
    const before = calls;
    await pass(10 * MINUTE_MS);
    assert.equal(calls, before);
  });

  it('ends at once where the source knows it no more', async () => {
    const { seen } = watched(issuedBy(() => Promise.reject(new LeaseGone('Vault knows the lease no more'))));
    await pass(7 * MINUTE_MS);
    assert.deepEqual(seen, ['over: it could not be renewed: Vault knows the lease no more']);
  });

  it('ends at the longest life that the source allows, and where it never renews', async () => {
    const until = Date.now() + 10 * MINUTE_MS;
    const longest = watched(issuedBy(async () => until));
    const never = watched(issuedBy(async () => 0, { isRenewable: false }));
    await pass(9 * MINUTE_MS);
    assert.deepEqual([longest.seen, never.seen], [[], []]);
    await pass(MINUTE_MS);
    assert.match(longest.seen.join(), /longest life that the source allows/);
    assert.match(never.seen.join(), /does not renew it/);
    const late: string[] = [];
    never.lease.onEnd(({ reason }) => late.push(reason));
    assert.equal(late.length, 1);
  });

  it('that is released in the middle of a renewal is not taken up again', async () => {
    const renewal = Promise.withResolvers<number>();
    let revoked = 0;
    const revoke = async (): Promise<void> => {
      revoked += 1;
    };
    const { seen, lease } = watched(issuedBy(() => renewal.promise, { revoke }));
    await pass(7 * MINUTE_MS);
    const releasing = lease.release();
    renewal.resolve(Date.now() + 10 * MINUTE_MS);
    assert.equal(await releasing, true);
    await pass(20 * MINUTE_MS);
    assert.deepEqual([seen, revoked], [[], 1]);
    assert.equal(await lease.release(), true);
    assert.equal(revoked, 1);
  });

  it('that cannot be taken back is tried four times and told by its id, never by its secret', async () => {
    let tries = 0;
    const revoke = async (): Promise<void> => {
      tries += 1;
      throw new Error('Vault at https://vault: connection refused');
    };
    const { lease, warnings } = watched(issuedBy(async () => 0, { revoke }));
    const releasing = lease.release();
    await pass(20_000);
    assert.equal(await releasing, false);
    assert.equal(tries, 4);
    assert.match(warnings.join(), /The lease lease-1 of vault could not be revoked: .*refused\. It ends by itself at/);
  });
});

describe('leases of sessions', () => {
  const login = (more: Partial<IssuedLogin> = {}): IssuedLogin => {
    const lease: Lease = {
      id: 'sallyport_s_1',
      source: 'postgres-role',
      connection: 'shop',
      session: 's1',
      username: 'sallyport_s_1',
      issuedAt: Date.now(),
      expiresAt: Date.now() + 10 * MINUTE_MS,
    };
    return { lease, password: 'CANARY', revoke: async () => undefined, ...more };
  };
  const told = (leases: Leases): string[] => {
    const notices: string[] = [];
    leases.onNotice(({ state, message }: LeaseNotice) =>
      notices.push(message === undefined ? state : `${state}: ${message}`),
    );
    return notices;
  };

  it('a renewal that fails is told, tried again, and told when it works', async () => {
    const leases = new Leases();
    const notices = told(leases);
    let calls = 0;
    const renew = async (): Promise<number> => {
      calls += 1;
      if (calls === 1) throw new Error('the server is restarting');
      return Date.now() + 10 * MINUTE_MS;
    };
    const share = await leases.share('k', async () => login({ renew }));
    await pass(9 * MINUTE_MS);
    assert.deepEqual(notices, ['issued', 'failed: it could not be renewed: the server is restarting', 'renewed']);
    share.release();
    await pass(2_000);
    assert.equal(notices.at(-1), 'revoked');
    assert.deepEqual(leases.open(), []);
  });

  it('one that cannot be taken back is tried again, then told', async () => {
    const leases = new Leases();
    const notices = told(leases);
    let tries = 0;
    const revoke = async (): Promise<void> => {
      tries += 1;
      throw new Error('the target is away');
    };
    const share = await leases.share('k', async () => login({ revoke }));
    share.release();
    share.release();
    await pass(20_000);
    assert.deepEqual(notices, ['issued', 'failed: it could not be taken back: the target is away']);
    assert.equal(tries, 4);
  });

  it('one that nobody else takes back is tried every minute until it works, and no more once the agent stops', async () => {
    const leases = new Leases();
    const notices = told(leases);
    let away = true;
    let tries = 0;
    const revoke = async (): Promise<void> => {
      tries += 1;
      if (away) throw new Error('the target is away');
    };
    const share = await leases.share('k', async () => login({ revoke, insists: true }));
    share.release();
    await pass(3 * MINUTE_MS);
    assert.deepEqual(notices, ['issued', 'failed: it could not be taken back: the target is away']);
    away = false;
    await pass(MINUTE_MS);
    assert.equal(notices.at(-1), 'revoked');
    const before = tries;
    away = true;
    const next = await leases.share('l', async () => login({ revoke, insists: true }));
    next.release();
    await pass(MINUTE_MS);
    await leases.close();
    const stopped = tries;
    await pass(5 * MINUTE_MS);
    assert.ok(stopped > before && tries === stopped);
  });

  it('one that could not be made is made anew for the next who asks', async () => {
    const leases = new Leases();
    let made = 0;
    const issue = async (): Promise<IssuedLogin> => {
      made += 1;
      if (made === 1) throw new Error('no');
      return login();
    };
    const both = await Promise.allSettled([leases.share('k', issue), leases.share('k', issue)]);
    assert.deepEqual(
      both.map(({ status }) => status),
      ['rejected', 'rejected'],
    );
    assert.equal((await leases.share('k', issue)).username, 'sallyport_s_1');
    assert.equal(made, 2);
    const closing = leases.close();
    await pass(1_000);
    await closing;
  });
});
