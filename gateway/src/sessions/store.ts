import type { Party } from '@sallyport/shared/access/principal.ts';

/** A session as it is listed. Times are milliseconds since the epoch. */
export interface SessionRecord {
  readonly id: string;
  readonly connection: string;
  readonly protocol: string;
  readonly principal: Party;
  readonly sourceAddress: string;
  readonly application: string | undefined;
  readonly agent: string | undefined;
  readonly startedAt: number;
  readonly endedAt: number | undefined;
  /** Why it ended, for a person; undefined while it lives. */
  readonly end: string | undefined;
  readonly statements: number;
  readonly refused: number;
}

export interface SessionStore {
  putSession(session: SessionRecord): Promise<void>;
  session(id: string): Promise<SessionRecord | undefined>;
  /** Newest first. `before` pages: sessions that started earlier than that. */
  sessions(filter: {
    readonly connection?: string;
    readonly principal?: string;
    readonly before?: number;
    readonly limit: number;
  }): Promise<readonly SessionRecord[]>;
  /** Sessions that had no end when the gateway started: it was killed. */
  closeOrphans(at: number): Promise<void>;
}
