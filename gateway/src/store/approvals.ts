import { type Database, guarded } from './database.ts';

type State = 'pending' | 'approved' | 'rejected' | 'expired' | 'cancelled';

/** As much of an approval as finding it again needs; all of it is kept. */
interface Kept {
  readonly id: string;
  readonly state: State;
  readonly requestedAt: number;
}

/** Requests for consent, each as one document. */
export class ApprovalStore<Approval extends Kept> {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  putApproval(approval: Approval): Promise<void> {
    const { id, state, requestedAt } = approval;
    const values = { state, requested_at: requestedAt, body: JSON.stringify(approval) };
    return guarded(async () => {
      await this.#database
        .insertInto('approvals')
        .values({ id, ...values })
        .onConflict((conflict) => conflict.column('id').doUpdateSet(values))
        .execute();
    });
  }

  approval(id: string): Promise<Approval | undefined> {
    return guarded(async () => {
      const row = await this.#database.selectFrom('approvals').selectAll().where('id', '=', id).executeTakeFirst();
      return row && this.#approvalOf(row);
    });
  }

  /** Forgets what was asked before `before` and does not wait any more. */
  sweep(before: number): Promise<void> {
    return guarded(async () => {
      const removal = this.#database.deleteFrom('approvals').where('requested_at', '<', before);
      await removal.where('state', '<>', 'pending').execute();
    });
  }

  /** Newest first. */
  approvals({ state, limit }: { readonly state?: State; readonly limit: number }): Promise<readonly Approval[]> {
    return guarded(async () => {
      let query = this.#database
        .selectFrom('approvals')
        .selectAll()
        .orderBy('requested_at', 'desc')
        .orderBy('id')
        .limit(limit);
      if (state !== undefined) query = query.where('state', '=', state);
      return (await query.execute()).map((row) => this.#approvalOf(row));
    });
  }

  #approvalOf({ state, body }: { state: string; body: string }): Approval {
    return { ...(JSON.parse(body) as Approval), state: state as State };
  }
}
