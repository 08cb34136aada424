import type { Party } from '@sallyport/shared/access/principal.ts';
import type { Selectable } from 'kysely';
import { type Database, guarded } from './database.ts';
import type { Tables } from './schema.ts';

interface Session {
  readonly id: string;
  readonly connection: string;
  readonly protocol: string;
  readonly principal: Party;
  readonly sourceAddress: string;
  readonly application: string | undefined;
  readonly agent: string | undefined;
  readonly startedAt: number;
  readonly endedAt: number | undefined;
  readonly end: string | undefined;
  readonly statements: number;
  readonly refused: number;
}

/** Sessions, for the listing; what happened in them is in recordings. */
export class SessionStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  putSession(session: Session): Promise<void> {
    const { id, ...values } = rowOf(session);
    return guarded(async () => {
      await this.#database
        .insertInto('sessions')
        .values({ id, ...values })
        .onConflict((conflict) => conflict.column('id').doUpdateSet(values))
        .execute();
    });
  }

  session(id: string): Promise<Session | undefined> {
    return guarded(async () => {
      const row = await this.#database.selectFrom('sessions').selectAll().where('id', '=', id).executeTakeFirst();
      return row && sessionOf(row);
    });
  }

  /** Newest first. `principal` is an id or a name. */
  sessions(filter: {
    readonly connection?: string;
    readonly principal?: string;
    readonly before?: number;
    readonly limit: number;
  }): Promise<readonly Session[]> {
    const { connection, principal, before, limit } = filter;
    return guarded(async () => {
      let query = this.#database
        .selectFrom('sessions')
        .selectAll()
        .orderBy('started_at', 'desc')
        .orderBy('id')
        .limit(limit);
      if (connection !== undefined) query = query.where('connection', '=', connection);
      if (before !== undefined) query = query.where('started_at', '<', before);
      if (principal !== undefined) {
        query = query.where((or) => or.or([or('principal_id', '=', principal), or('principal_name', '=', principal)]));
      }
      return (await query.execute()).map(sessionOf);
    });
  }

  /** Forgets sessions that ended and had begun before `before`. */
  sweep(before: number): Promise<void> {
    return guarded(async () => {
      const removal = this.#database.deleteFrom('sessions').where('started_at', '<', before);
      await removal.where('ended_at', 'is not', null).execute();
    });
  }

  closeOrphans(at: number): Promise<void> {
    const end = { ended_at: at, end_reason: 'the gateway was stopped while the session lived' };
    return guarded(async () => {
      await this.#database.updateTable('sessions').set(end).where('ended_at', 'is', null).execute();
    });
  }
}

const rowOf = (session: Session): Selectable<Tables['sessions']> => ({
  id: session.id,
  connection: session.connection,
  protocol: session.protocol,
  principal_id: session.principal.id,
  principal_name: session.principal.name,
  source_address: session.sourceAddress,
  application: session.application ?? null,
  agent: session.agent ?? null,
  started_at: session.startedAt,
  ended_at: session.endedAt ?? null,
  end_reason: session.end ?? null,
  statements: session.statements,
  refused: session.refused,
  actor: session.principal.actor === undefined ? null : JSON.stringify(session.principal.actor),
});

const sessionOf = (row: Selectable<Tables['sessions']>): Session => ({
  id: row.id,
  connection: row.connection,
  protocol: row.protocol,
  principal: {
    id: row.principal_id,
    name: row.principal_name,
    ...(row.actor === null ? {} : { actor: JSON.parse(row.actor) as Party }),
  },
  sourceAddress: row.source_address,
  application: row.application ?? undefined,
  agent: row.agent ?? undefined,
  startedAt: Number(row.started_at),
  endedAt: row.ended_at === null ? undefined : Number(row.ended_at),
  end: row.end_reason ?? undefined,
  statements: Number(row.statements),
  refused: Number(row.refused),
});
