import type { SourcedLogin } from '../login.ts';
import { memberOf, placeOf, segmentsOf } from '../reference.ts';
import { type Environment, SecretMissing, type SecretSource } from '../source.ts';
import { type VaultAnswer, VaultClient } from './client.ts';
import { issuedLease, revokeLease } from './lease.ts';
import { type Mount, Mounts } from './mounts.ts';
import { memberObject, VaultSession } from './session.ts';
import { vaultSettings } from './settings.ts';

const escaped = (path: string): string => path.split('/').map(encodeURIComponent).join('/');

/**
 * `vault:MOUNT/PATH#FIELD` of HashiCorp Vault or OpenBao: KV of both versions, and engines that issue logins
 * (`vault:database/creds/ROLE`). Secrets are never kept: each use reads anew.
 * @see https://developer.hashicorp.com/vault/api-docs
 */
export function vaultSource(environment: Environment, warn: (text: string) => void): SecretSource {
  const settings = vaultSettings(environment);
  const session = new VaultSession(new VaultClient(settings), settings.method, warn);
  const mounts = new Mounts(session);

  return {
    async secret(name, signal) {
      const { place, field } = placeOf(name);
      return await unlessGivenUp(signal, read(place, field ?? 'password'));
    },
    async login(name, signal) {
      const { place, field } = placeOf(name);
      const entering = enter(place, field ?? 'password');
      // A lease that arrives after its session has gone would have nobody to end it.
      entering.then(
        ({ issued }) => {
          if (signal.aborted) issued?.revoke().catch(() => warn(orphaned(issued.id)));
        },
        () => undefined,
      );
      return await unlessGivenUp(signal, entering);
    },
    close: () => session.close(),
  };

  async function read(place: string, field: string): Promise<string> {
    const at = await located(place);
    if (at.engine !== 'issuing') return memberOf(await stored(at), field);
    if (/^creds\//.test(at.path)) throw issues();
    const answer = await issue(at);
    const { lease_id: lease } = answer.body;
    if (typeof lease !== 'string' || lease === '') return memberOf(memberObject(answer.body, 'data'), field);
    await revokeLease(session, lease);
    throw issues();
  }

  async function enter(place: string, field: string): Promise<SourcedLogin> {
    const at = await located(place);
    if (at.engine !== 'issuing') return { password: memberOf(await stored(at), field) };
    const { body } = await issue(at);
    const data = memberObject(body, 'data');
    const issued = issuedLease(session, body);
    try {
      return {
        username: memberOf(data, 'username'),
        password: memberOf(data, field),
        ...(issued === undefined ? {} : { issued }),
      };
    } catch (error) {
      await issued?.revoke().catch(() => warn(orphaned(issued.id)));
      throw error;
    }
  }

  async function located(place: string): Promise<Mount> {
    const bare = place.replace(/^(?:kv1|kv2|db):/, '');
    segmentsOf(bare === place ? place : bare.replace('//', '/'));
    return await mounts.find(place);
  }

  async function stored({ mount, path, engine }: Mount): Promise<Readonly<Record<string, unknown>>> {
    const middle = engine === 'kv2' ? 'data/' : '';
    const at = `${mount}/${middle}${path}`;
    const answer = await session.call({ method: 'GET', path: escaped(at) });
    const data = memberObject(answer.body, 'data');
    if (answer.status === 404) {
      mounts.forget(mount);
      throw new SecretMissing(engine === 'kv2' ? missingVersion(data, answer) : nothingThere(answer));
    }
    if (answer.status !== 200) throw refused(at, answer);
    return engine === 'kv2' ? memberObject(data, 'data') : data;
  }

  async function issue({ mount, path }: Mount): Promise<VaultAnswer> {
    const at = `${mount}/${path}`;
    const answer = await session.call({ method: 'GET', path: escaped(at) });
    if (answer.status === 404) {
      mounts.forget(mount);
      throw new SecretMissing(nothingThere(answer));
    }
    if (answer.status !== 200) throw refused(at, answer);
    return answer;
  }
}

function missingVersion(data: Readonly<Record<string, unknown>>, answer: VaultAnswer): string {
  const { destroyed, deletion_time: deleted } = memberObject(data, 'metadata');
  if (destroyed === true) return 'the newest version of the secret was destroyed; write a new one';
  if (typeof deleted === 'string' && deleted !== '') {
    return 'the newest version of the secret was deleted; undelete it or write a new one';
  }
  return nothingThere(answer);
}

function nothingThere({ errors }: VaultAnswer): string {
  return /no handler for route/i.test(errors)
    ? 'Vault has nothing mounted there; check the mount and VAULT_NAMESPACE'
    : 'Vault has no secret at that path; check it, and VAULT_NAMESPACE';
}

function refused(at: string, { status, errors }: VaultAnswer): SecretMissing {
  if (status === 403) {
    return new SecretMissing(
      `Vault knows the agent but its policies do not let it read that; it needs: path "${at}" { capabilities = ["read"] }`,
    );
  }
  if (/unknown (static )?role/i.test(errors)) return new SecretMissing('Vault has no role of that name there');
  if (status === 405 || /unsupported (path|operation)/i.test(errors)) {
    return new SecretMissing('Vault has nothing that can be read at that path');
  }
  return new SecretMissing(`Vault refused the request (${status}); its audit log says why`);
}

const issues = (): SecretMissing =>
  new SecretMissing('Vault issues a login of its own there, which serves as a connection’s credential only');

const orphaned = (id: string): string =>
  `The lease ${id} of vault was issued for a session that is gone and could not be revoked; it ends by itself.`;

/** The work itself goes on: others may wait for the same login, and what was issued must be known to be taken back. */
function unlessGivenUp<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = () => reject(new SecretMissing('the attempt was given up before Vault answered'));
    if (signal.aborted) giveUp();
    signal.addEventListener('abort', giveUp, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp));
  });
}
