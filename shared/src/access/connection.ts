import type { HttpCredential, HttpTarget } from './http.ts';
import type { SshCredential, SshTarget } from './ssh.ts';

export const protocolNames = ['postgres', 'ssh', 'kubernetes', 'http'] as const;
export type ProtocolName = (typeof protocolNames)[number];

/** libpq's words (PostgreSQL manual, 34.19.1). */
export type TlsMode = 'disable' | 'allow' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';

export interface Target {
  readonly host: string;
  /** 1 to 65535. */
  readonly port: number;
  readonly database?: string;
  readonly tls: TlsMode;
  /** PEM text of the authorities to trust; the agent's system store when absent. */
  readonly ca?: string;
  readonly http?: HttpTarget;
  readonly ssh?: SshTarget;
}

/** How the agent finds the target's secret. The secret itself is never part of it unless `password` is a literal. */
export interface CredentialReference {
  /** Empty only where the source issues the login with its username, as `vault:database/creds/ROLE` does. */
  readonly username: string;
  /** `env:NAME`, `file:/path`, or another resolver of the agent; absent for trust. */
  readonly password?: string;
  /** Each session logs in with a role of its own that has the rights of `username`. */
  readonly postgresRole?: RoleIssuer;
  readonly http?: HttpCredential;
  readonly ssh?: SshCredential;
}

/** Whether each session gets a login of its own: from a role that makes roles, or from a source that issues logins. */
export const issuesLogins = ({ postgresRole, password }: CredentialReference): boolean =>
  postgresRole !== undefined || /^vault:[^#]*\/creds\//.test(password ?? '');

/** The login of the target's that makes roles for sessions. */
export interface RoleIssuer {
  readonly username: string;
  /** As a credential's `password`. */
  readonly password?: string;
  /** How long a role may log in unless it is renewed, which happens while its session lasts. Seconds. */
  readonly validForSeconds: number;
}

/** The second wall: what the target itself keeps from a session's role. */
export interface WallSpec {
  /** Nothing but SELECT. */
  readonly readOnly: boolean;
  /** Columns that masks protect cannot be read by the role at all. */
  readonly columns: boolean;
}

/** A named target behind an agent. */
export interface Connection {
  readonly name: string;
  readonly protocol: ProtocolName;
  /** The agent's name, or labels that it must carry. */
  readonly agent: string | Readonly<Record<string, string>>;
  readonly target: Target;
  readonly credential: CredentialReference;
  readonly wall?: WallSpec;
  /**
   * Volatile functions of the target that change nothing a rule cares for, as `schema.name` with `*` for any run of
   * characters; calling any other counts as the effect `call`.
   */
  readonly harmlessFunctions?: readonly string[];
  /** Host names under which an HTTP API is reached at the gateway, beside the prefix of its path. */
  readonly hosts?: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}
