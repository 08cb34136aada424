import type { Principal } from '@sallyport/shared/access/principal.ts';
import type { Denial } from '@sallyport/shared/access/verdict.ts';
import { certificateType } from '@sallyport/shared/wire/ssh/certificate.ts';
import { fingerprint, publicKeyLine } from '@sallyport/shared/wire/ssh/key.ts';
import type { KeysPort, SshServer } from '../api/ports/keys.ts';
import type { Json } from '../audit/event.ts';
import type { Identity } from '../identity/identity.ts';
import { userNameOf } from '../identity/principals.ts';
import { UserAuthority } from '../identity/ssh/authority.ts';
import type { RegisteredKeys } from '../identity/ssh/keys.ts';
import type { SealedFiles } from '../store/sealing/files.ts';

/** The authority for people's certificates, made at the first start. */
export function userAuthority(files: SealedFiles, path: string): UserAuthority {
  const known = files.read(path);
  if (known !== undefined) return UserAuthority.of(known);
  const made = UserAuthority.newKey();
  files.write(path, made);
  return UserAuthority.of(made);
}

export interface KeysPortParts {
  readonly identity: Identity;
  readonly authority: UserAuthority;
  /** How long a certificate lives at most, in milliseconds. */
  readonly maxTtlMs: number;
  readonly server: () => SshServer | undefined;
  readonly journal: (type: string, by: Pick<Principal, 'id' | 'name'>, data: { [key: string]: Json }) => Promise<void>;
}

const MIN_LIFE_MS = 1_000;

/** The API's view of what SSH clients log in with. */
export function keysPort({ identity, authority, maxTtlMs, server, journal }: KeysPortParts): KeysPort {
  const keys = identity.keys as RegisteredKeys;

  /** Whoever finds a token must not be able to keep the account by it. */
  async function passwordRefusal(by: Principal, password: string | undefined, address: string) {
    const user = userNameOf(by.id);
    if (user === undefined || (await identity.users.find(user))?.passwordHash === undefined) return undefined;
    if (password === undefined) return passwordNeeded;
    const checked = await identity.authenticate({ secret: password, user, address });
    if ('message' in checked) return checked;
    return checked.method === 'password' && checked.principal.id === by.id ? undefined : passwordNeeded;
  }

  return {
    authority,
    server,
    async sign({ by, key, ttlMs, address }) {
      const { principal } = by;
      const now = Date.now();
      const until = Math.min(now + Math.min(ttlMs ?? maxTtlMs, maxTtlMs), by.expiresAt ?? Number.POSITIVE_INFINITY);
      if (until - now < MIN_LIFE_MS) throw new RangeError('your sign-in ends in this moment: sign in again');
      // A provider's own token is none of ours: one stands in for it, whose secret nobody has.
      const standIn = () => identity.tokens.mint({ principal, ttlMs: until - now, label: 'ssh certificate' });
      const tokenId = by.tokenId ?? (await standIn()).id;
      const made = authority.issue({ key, name: principal.name, tokenId, now, until });
      const { serial, expiresAt } = made;
      await journal('ssh.certificate-issued', principal, {
        ...{ serial: String(serial), fingerprint: fingerprint(key.blob), tokenId, sourceAddress: address },
        expiresAt: new Date(expiresAt).toISOString(),
      });
      const certificate = publicKeyLine(certificateType(key.type), made.blob, `sallyport ${principal.name}`);
      return { certificate, serial, expiresAt, principal: principal.name };
    },
    async add({ by, name, key, password, address }) {
      const denial = await passwordRefusal(by, password, address);
      if (denial !== undefined) return denial;
      const print = fingerprint(key.blob);
      await journal('ssh.key-added', by, { fingerprint: print, type: key.type, name, sourceAddress: address });
      return keys.add({ principal: by, name, key, address });
    },
    list: (principalId) => keys.list(principalId),
    key: (id) => keys.key(id),
    async remove({ id, principal, fingerprint: print }, by) {
      await journal('ssh.key-removed', by, { keyId: id, fingerprint: print, of: principal.id });
      return keys.remove(id);
    },
  };
}

const passwordNeeded: Denial = {
  reason: 'forbidden',
  message: 'your current password is needed to register a key',
  hint: 'A key stays when a token has ended: whoever finds a token must not be able to register one.',
};
