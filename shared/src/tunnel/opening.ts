import type { CredentialReference, ProtocolName, Target } from '../access/connection.ts';

/** What the gateway asks of an agent when it opens an exchange. */
export interface Opening {
  readonly protocol: ProtocolName;
  readonly target: Target;
  readonly credential: CredentialReference;
  /** The protocol's own settings for this session: for PostgreSQL the startup parameters that were allowed. */
  readonly settings: Readonly<Record<string, string>>;
}

/** What the target said of itself once the agent had logged in: for PostgreSQL its ParameterStatus values. */
export type TargetGreeting = Readonly<Record<string, string>>;
