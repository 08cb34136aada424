import type { Principal } from '@sallyport/shared/access/principal.ts';
import type { Denial } from '@sallyport/shared/access/verdict.ts';
import type { MadeSecret, SecretConcern, ServiceSecret } from '../../identity/service-secrets.ts';

export interface ListedSecret extends ServiceSecret {
  readonly concern: SecretConcern | undefined;
}

/** Secrets of service accounts. Undefined is "no such". */
export interface ServiceAccountsPort {
  /** @throws RangeError where the time asked for cannot be */
  createSecret(order: {
    readonly by: Principal;
    readonly service: string;
    readonly ttlMs: number | undefined;
    readonly label: string | undefined;
  }): Promise<MadeSecret | Denial | undefined>;
  /** Newest first; of one service account where given. */
  secrets(service: string | undefined): Promise<readonly ListedSecret[]>;
  /** False where none of that id lives. */
  revokeSecret(id: string, by: Principal): Promise<boolean>;
}
