import type { Principal } from '@sallyport/shared/access/principal.ts';
import type { Denial } from '@sallyport/shared/access/verdict.ts';
import type { PublicKey } from '@sallyport/shared/wire/ssh/key.ts';
import type { StoredKey } from '../../identity/ssh/store.ts';
import type { Authenticated } from '../ports.ts';

/** What SSH clients see of this gateway. */
export interface SshServer {
  readonly host: string;
  readonly port: number;
  /** Lines of a known_hosts file. */
  readonly knownHosts: readonly string[];
}

/** The public key that signs people's certificates. */
export interface SshAuthority {
  readonly line: string;
  readonly fingerprint: string;
}

export interface SignedCertificate {
  readonly certificate: string;
  readonly serial: bigint;
  readonly expiresAt: number;
  readonly principal: string;
}

/** Keys and certificates of SSH clients. Times are milliseconds since the epoch. */
export interface KeysPort {
  readonly authority: SshAuthority;
  /** Undefined where this gateway serves no SSH. */
  server(): SshServer | undefined;
  /** @throws RangeError where no certificate can be made for this one */
  sign(order: {
    readonly by: Authenticated;
    readonly key: PublicKey;
    readonly ttlMs: number | undefined;
    readonly address: string;
  }): Promise<SignedCertificate>;
  /** @throws RangeError where the key is registered already, or there are too many */
  add(order: {
    readonly by: Principal;
    readonly name: string;
    readonly key: PublicKey;
    /** Theirs, where they have one. */
    readonly password: string | undefined;
    readonly address: string;
  }): Promise<StoredKey | Denial>;
  /** Newest first; of one principal where given. */
  list(principalId: string | undefined): Promise<readonly StoredKey[]>;
  key(id: string): Promise<StoredKey | undefined>;
  remove(key: StoredKey, by: Principal): Promise<boolean>;
}
