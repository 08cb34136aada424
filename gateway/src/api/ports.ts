import type { MessageInitShape } from '@bufbuild/protobuf';
import type { TranscriptEventSchema } from '@sallyport/proto/api/v1/transcript_pb';
import type { Principal } from '@sallyport/shared/access/principal.ts';
import type { Denial } from '@sallyport/shared/access/verdict.ts';
import type { Lease } from '@sallyport/shared/tunnel/opening.ts';
import type { Approval, ApprovalState } from '../approvals/store.ts';
import type { AuditEvent, Json } from '../audit/event.ts';
import type { DirectoryToken } from '../identity/directory/model.ts';
import type { Sources } from '../identity/source.ts';
import type { StoredToken } from '../identity/store.ts';
import type { SessionRecord } from '../sessions/store.ts';
import type { AccessPort } from './ports/access.ts';
import type { KeysPort } from './ports/keys.ts';
import type { NotifiersPort } from './ports/notifiers.ts';
import type { PolicyPort } from './ports/policy.ts';
import type { ServiceAccountsPort } from './ports/service-accounts.ts';

/** All that the API stands on. Times are milliseconds since the epoch; a refusal is a value, `undefined` is "no such". */
export interface ApiPorts {
  readonly identity: IdentityPort;
  readonly keys: KeysPort;
  readonly resources: ResourcesPort;
  readonly agents: AgentsPort;
  readonly leases: LeasesPort;
  readonly notifiers: NotifiersPort;
  readonly policy: PolicyPort;
  readonly activity: ActivityPort;
  readonly approvals: ApprovalsPort;
  readonly access: AccessPort;
  readonly sessions: SessionsPort;
  readonly audit: AuditPort;
  readonly connections: ConnectionsPort;
  readonly directories: DirectoriesPort;
  readonly serviceAccounts: ServiceAccountsPort;
  readonly health: HealthPort;
}

/** It is known who calls. */
export interface Authenticated {
  readonly principal: Principal;
  /** Undefined where the token was not minted here. */
  readonly tokenId: string | undefined;
  readonly expiresAt: number | undefined;
  /** The only connection that the token is for; undefined: any. */
  readonly connection: string | undefined;
  /** The addresses that the token is bound to. */
  readonly sources?: Sources | undefined;
}

export interface SignInOrder {
  readonly user: string;
  readonly password: string;
  /** IP address. */
  readonly address: string;
  readonly ttlMs: number | undefined;
  readonly label: string | undefined;
}

/** The secret is shown this once. */
export interface MintedToken {
  readonly token: string;
  readonly id: string;
  readonly expiresAt: number;
}

export interface MintOrder {
  readonly by: Principal;
  /** Undefined: oneself. Whether `by` may ask for another is decided already. */
  readonly for: { readonly kind: 'user' | 'service'; readonly name: string } | undefined;
  readonly connection: string | undefined;
  readonly ttlMs: number | undefined;
  /** The token may not outlive this; it is cut short where it would. */
  readonly notAfter: number | undefined;
  /** The addresses that it is bound to. */
  readonly sources: Sources;
  readonly label: string | undefined;
}

export interface IdentityPort {
  /** What a bearer of `secret` is. Takes tokens only, never a password. */
  authenticate(secret: string, origin: { readonly address: string }): Promise<Authenticated | Denial>;
  signIn(order: SignInOrder): Promise<(MintedToken & { readonly principal: Principal }) | Denial>;
  /** Undefined where there is nobody of that name. @throws RangeError where the time asked for cannot be. */
  mint(order: MintOrder): Promise<MintedToken | Denial | undefined>;
  /** Newest first; of one principal where given. */
  tokens(principalId: string | undefined): Promise<readonly StoredToken[]>;
  token(id: string): Promise<StoredToken | undefined>;
  revoke(id: string, by: Principal): Promise<boolean>;
  /** `current` absent: an administrator sets it. @throws RangeError where the password cannot be one. */
  setPassword(order: {
    readonly by: Principal;
    readonly user: string;
    readonly address: string;
    readonly current: string | undefined;
    readonly password: string;
  }): Promise<true | Denial | undefined>;
}

export interface StoredResource {
  readonly kind: string;
  readonly name: string;
  readonly spec: { readonly [key: string]: Json };
  readonly updatedAt: number | undefined;
}

export interface ApplyOrder {
  readonly by: Principal;
  readonly documents: readonly { readonly file: string; readonly text: string }[];
  readonly resources: readonly Omit<StoredResource, 'updatedAt'>[];
  readonly dryRun: boolean;
}

export interface ResourcesPort {
  /** All or nothing. @throws ConfigError that names file and line. */
  apply(
    order: ApplyOrder,
  ): Promise<
    readonly { readonly kind: string; readonly name: string; readonly outcome: 'created' | 'updated' | 'unchanged' }[]
  >;
  /** By kind, then name; literal secrets in a spec are left out. */
  list(kind: string | undefined): Promise<readonly StoredResource[]>;
  get(kind: string, name: string): Promise<StoredResource | undefined>;
  /** False where there is none. */
  remove(kind: string, name: string, by: Principal): Promise<boolean>;
}

export interface AgentStatus {
  readonly name: string;
  readonly online: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly version: string | undefined;
  readonly since: number | undefined;
  readonly address: string | undefined;
  readonly exchanges: number;
}

export interface OpenLease extends Lease {
  readonly agent: string;
  readonly problem: string | undefined;
}

export interface ActivityPort {
  /** Judged actions by the minute, oldest first. `at` in milliseconds since the epoch. */
  lastHour(): readonly {
    readonly at: number;
    readonly allowed: number;
    readonly approved: number;
    readonly denied: number;
  }[];
}

export interface LeasesPort {
  /** Oldest first. */
  list(): readonly OpenLease[];
}

export interface AgentsPort {
  list(): Promise<readonly AgentStatus[]>;
  createJoinToken(
    name: string,
    ttlMs: number | undefined,
    by: Principal,
  ): Promise<{ readonly token: string; readonly expiresAt: number; readonly command: string | undefined }>;
  remove(name: string, by: Principal): Promise<boolean>;
}

export interface ApprovalsPort {
  /** Newest first. */
  list(filter: { readonly state?: ApprovalState; readonly limit: number }): Promise<readonly Approval[]>;
  get(id: string): Promise<Approval | undefined>;
  /** Whether the rule lets this one decide it, were it pending. */
  mayDecide(approval: Approval, principal: Principal): boolean;
  decide(id: string, principal: Principal, approved: boolean, reason: string): Promise<Approval | Denial | undefined>;
  /** What is pending, then each change; ends with the signal. */
  watch(signal: AbortSignal): AsyncIterable<Approval>;
}

export type TranscriptEvent = MessageInitShape<typeof TranscriptEventSchema>;

export interface SessionsFilter {
  readonly connection?: string;
  readonly principal?: string;
  /** Only of the principal with this id, whatever else is asked. */
  readonly owner?: string;
  readonly live: boolean;
  readonly before?: number;
  readonly limit: number;
}

export interface SessionsPort {
  list(filter: SessionsFilter): Promise<readonly SessionRecord[]>;
  get(id: string): Promise<SessionRecord | undefined>;
  /** In batches of bounded size; journals `recording.viewed` before the first. Undefined: there is no recording. */
  replay(
    id: string,
    options: { readonly fromUs: number; readonly follow: boolean; readonly viewer: Principal },
    signal: AbortSignal,
  ): Promise<AsyncIterable<readonly TranscriptEvent[]> | undefined>;
  /** The recording's own bytes, journalled as above. */
  /** The file as it is kept, or its terminal as asciicast v2. */
  raw(
    id: string,
    viewer: Principal,
    signal: AbortSignal,
    form?: 'raw' | 'asciicast',
  ): Promise<AsyncIterable<Uint8Array> | undefined>;
  /** False where it does not live. */
  kill(id: string, by: Principal, reason: string): Promise<boolean>;
}

export interface JournalEntry {
  readonly sequence: number;
  /** Hex. */
  readonly hash: string;
  readonly event: AuditEvent;
}

export interface TailFilter {
  /** Events with a greater sequence; 0: all. */
  readonly after?: number;
  /** The last so many that match. */
  readonly last?: number;
  readonly follow: boolean;
  /** Exact types, or prefixes that end in a dot; empty: all. */
  readonly types: readonly string[];
  readonly connection?: string;
  readonly sessionId?: string;
}

export interface AuditPort {
  /** In order, in batches of bounded size; ends with the signal. */
  tail(filter: TailFilter, signal: AbortSignal): AsyncIterable<readonly JournalEntry[]>;
  verify(signal: AbortSignal): Promise<{
    readonly intact: boolean;
    readonly events: number;
    /** Hex. */
    readonly head: string;
    readonly problem?: string;
    readonly brokenAt?: number;
  }>;
}

export interface ReachableConnection {
  readonly name: string;
  readonly protocol: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly online: boolean;
  readonly needsApproval: boolean;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly tls: boolean;
  /** A line to paste, without any secret. */
  readonly command: string;
  /** Where access is asked for, for a time; times in milliseconds. */
  readonly access?: {
    readonly maxMs: number;
    readonly defaultMs: number;
    readonly needsReason: boolean;
    readonly mayBreakGlass: boolean;
    /** When the grant that is in force ends, since the epoch. */
    readonly grantedUntil: number | undefined;
    /** The request that waits. */
    readonly requestId: string | undefined;
  };
}

export interface ConnectionsPort {
  /** What the rules let this one open, by name. */
  list(principal: Principal): Promise<readonly ReachableConnection[]>;
  get(name: string, principal: Principal): Promise<ReachableConnection | undefined>;
}

export interface DirectoriesPort {
  /** Undefined where no directory provisions that provider. @throws RangeError where the time asked for cannot be. */
  mint(order: {
    readonly by: Principal;
    readonly provider: string;
    readonly ttlMs: number | undefined;
    readonly label: string | undefined;
  }): Promise<(MintedToken & { readonly url: string }) | undefined>;
  /** Newest first; of one provider where given. */
  tokens(provider: string | undefined): Promise<readonly DirectoryToken[]>;
  /** False where it is unknown or had been revoked before. */
  revoke(id: string, by: Principal): Promise<boolean>;
}

/** One thing that the gateway stands on. */
export interface PartHealth {
  readonly part: string;
  /** `ok`, or what is wrong in plain words that anybody may read. */
  readonly state: string;
  /** Whether clients cannot be served without it. */
  readonly needed: boolean;
}

export interface HealthPort {
  parts(): Promise<readonly PartHealth[]>;
  /** What is down, in plain words; empty: all is well. */
  problems(): Promise<readonly string[]>;
}
