import type { CredentialReference, ProtocolName, Target } from '../access/connection.ts';

/** What the gateway asks of an agent when it opens an exchange. */
export interface Opening {
  readonly protocol: ProtocolName;
  readonly target: Target;
  readonly credential: CredentialReference;
  /** The protocol's own settings for this session: for PostgreSQL the startup parameters that were allowed. */
  readonly settings: Readonly<Record<string, string>>;
  /** The connection's name. */
  readonly connection: string;
  /** The session's id: its exchanges share a lease. */
  readonly session: string;
  readonly wall?: Wall;
}

/** What a session's role is not to have of the configured role's rights. */
export interface Wall {
  readonly readOnly: boolean;
  /** Patterns of columns that it may not read, as masks name them. */
  readonly columns: readonly string[];
  /** The only rights it may have, by SQL's names in lower case; all where empty. */
  readonly privileges: readonly string[];
}

/** A credential that was made for one session. */
export interface Lease {
  readonly id: string;
  /** `postgres-role`, `vault`. */
  readonly source: string;
  readonly connection: string;
  readonly session: string;
  /** The login at the target. */
  readonly username: string;
  /** Milliseconds since the epoch, both. */
  readonly issuedAt: number;
  readonly expiresAt: number | undefined;
}

/** `open`: it was issued before the tunnel was up. `failed`: it could not be renewed or taken back. */
export type LeaseState = 'issued' | 'renewed' | 'revoked' | 'failed' | 'open';

/** What the target said of itself once the agent had logged in: for PostgreSQL its ParameterStatus values. */
export type TargetGreeting = Readonly<Record<string, string>>;
