import type { Principal } from '@sallyport/shared/access/principal.ts';
import type { Approvers } from '@sallyport/shared/access/verdict.ts';
import { ApprovalDesk, type ApprovalDeskParts, type ApprovalEvent, type ApprovalWish } from '../approval-desk.ts';
import type { ApprovalStore } from '../store.ts';
import { MemoryApprovalStore } from './memory-store.ts';

/** A desk with all that it was told and wrote. The journal can be held up, and can fail. */
export class Room {
  readonly store = new MemoryApprovalStore();
  /** What the desk writes to. */
  shelf: ApprovalStore = this.store;
  readonly events: ApprovalEvent[] = [];
  readonly errors: unknown[] = [];
  /** Awaited before an event counts as written. */
  journalGate: Promise<void> = Promise.resolve();
  journalFails = false;
  desk!: ApprovalDesk;

  static async open(parts: Partial<ApprovalDeskParts> = {}): Promise<Room> {
    const room = new Room();
    room.shelf = parts.store ?? room.store;
    room.desk = await ApprovalDesk.create({
      store: room.store,
      journal: async (event) => {
        await room.journalGate;
        if (room.journalFails) throw new Error('disk full');
        room.events.push(event);
      },
      onError: (error) => room.errors.push(error),
      ...parts,
    });
    return room;
  }

  /** Holds the journal up until the function that it returns is called. */
  hold(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.journalGate = promise;
    return () => {
      this.journalGate = Promise.resolve();
      resolve();
    };
  }

  get types(): string[] {
    return this.events.map(({ type }) => type);
  }
}

export const person = (name: string, ...groups: string[]): Principal => ({
  id: `user:${name}`,
  name,
  groups,
  claims: {},
});

export const asker = person('alice', 'eng', 'dba');
export const bob = person('bob', 'dba');
export const carol = person('carol', 'dba');

export const wish = (approvers: Partial<Approvers> = {}, rest: Partial<ApprovalWish> = {}): ApprovalWish => ({
  rule: 'big-reads',
  approvers: { groups: ['dba'], users: [], count: 1, timeoutMs: 60_000, ...approvers },
  sessionId: 's1',
  connection: 'prod-db',
  requester: { id: asker.id, name: asker.name },
  role: 'app_ro',
  action: {
    kind: 'postgres.query',
    verb: 'delete',
    effects: ['delete'],
    text: 'DELETE FROM users WHERE id = $1',
    parameters: ['7', undefined],
  },
  ...rest,
});
