import { type Approval, ApprovalState } from '@sallyport/proto/api/v1/approvals_pb';
import { useSyncExternalStore } from 'react';
import type { Me } from '../shell/me.ts';
import { api } from './client.ts';

export interface Waiting {
  readonly approval: Approval;
  readonly mayDecide: boolean;
}

const RETRY_MS = 3_000;

/** What waits for people, as the gateway tells it while it happens. */
class Inbox {
  #waiting: readonly Waiting[] = [];
  readonly #listeners = new Set<() => void>();
  #running: AbortController | undefined;
  #me: Me | undefined;

  get now(): readonly Waiting[] {
    return this.#waiting;
  }

  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  start(me: Me): void {
    this.#me = me;
    this.#running?.abort();
    this.#running = new AbortController();
    void this.#follow(this.#running.signal);
  }

  stop(): void {
    this.#running?.abort();
    this.#set([]);
  }

  async #follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        // What was decided while nobody listened is not told again.
        this.#set([]);
        for await (const { approval } of api.approvals.watchApprovals({}, { signal })) {
          if (approval !== undefined) this.#take(approval);
        }
      } catch {
        if (signal.aborted) return;
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  #take(approval: Approval): void {
    const others = this.#waiting.filter((one) => one.approval.id !== approval.id);
    const isPending = approval.state === ApprovalState.PENDING;
    this.#set(isPending ? [...others, { approval, mayDecide: mayDecide(approval, this.#me) }] : others);
  }

  #set(waiting: readonly Waiting[]): void {
    this.#waiting = waiting;
    for (const listener of this.#listeners) listener();
  }
}

/** What the gateway will say too; it alone decides. */
function mayDecide({ requester, approverGroups, approverUsers, decisions }: Approval, me: Me | undefined): boolean {
  if (me === undefined || requester?.id === me.id) return false;
  if (decisions.some(({ by }) => by?.id === me.id)) return false;
  return approverGroups.some((group) => me.groups.includes(group)) || approverUsers.includes(me.name);
}

export const inbox = new Inbox();

/** Oldest first. */
export function usePending(): readonly Waiting[] {
  return useSyncExternalStore(
    (listener) => inbox.listen(listener),
    () => inbox.now,
  );
}
