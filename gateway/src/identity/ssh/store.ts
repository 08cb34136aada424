import type { Principal } from '@sallyport/shared/access/principal.ts';

/** A public key that somebody registered to log in with. */
export interface StoredKey {
  /** Begins with `key_`, so that it is never a token's. */
  readonly id: string;
  /** As they were when they registered it. */
  readonly principal: Principal;
  readonly name: string;
  /** `ssh-ed25519`, … */
  readonly type: string;
  /** Base64 of its blob. */
  readonly blob: string;
  /** `SHA256:…` */
  readonly fingerprint: string;
  /** Milliseconds since the epoch, as all times here. */
  readonly addedAt: number;
  /** IP address. */
  readonly addedFrom: string;
  readonly lastUsedAt: number | undefined;
  readonly lastUsedFrom: string | undefined;
}

/** Where registered keys are kept. */
export interface KeyStore {
  /** False where the key is registered already, for whomever. */
  addKey(key: StoredKey): Promise<boolean>;
  key(id: string): Promise<StoredKey | undefined>;
  keyByFingerprint(fingerprint: string): Promise<StoredKey | undefined>;
  /** Newest first; of one principal where given. */
  keys(principalId?: string): Promise<readonly StoredKey[]>;
  /** False where there is none. */
  removeKey(id: string): Promise<boolean>;
  usedKey(id: string, at: number, address: string): Promise<void>;
}
