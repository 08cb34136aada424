export type ProtocolName = 'postgres' | 'ssh' | 'kubernetes';

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
}

/** How the agent finds the target's secret. The secret itself is never part of it unless `password` is a literal. */
export interface CredentialReference {
  readonly username: string;
  /** `env:NAME`, `file:/path`, or another resolver of the agent; absent for trust. */
  readonly password?: string;
}

/** A named target behind an agent. */
export interface Connection {
  readonly name: string;
  readonly protocol: ProtocolName;
  /** The agent's name, or labels that it must carry. */
  readonly agent: string | Readonly<Record<string, string>>;
  readonly target: Target;
  readonly credential: CredentialReference;
  /**
   * Volatile functions of the target that change nothing a rule cares for, as `schema.name` with `*` for any run of
   * characters; calling any other counts as the effect `call`.
   */
  readonly harmlessFunctions?: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}
