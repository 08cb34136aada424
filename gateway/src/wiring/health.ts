import type { HealthPort, PartHealth } from '../api/ports.ts';
import { newEvent } from '../audit/events.ts';
import type { Journal } from '../audit/journal.ts';
import type { Publisher } from '../audit/publisher.ts';
import type { Store } from '../store/store.ts';

export interface HealthParts {
  readonly journal: Pick<Journal, 'trouble' | 'append'>;
  readonly store: Pick<Store, 'ping'>;
  readonly publisher: () => Pick<Publisher, 'status'> | undefined;
  readonly isStopping: () => boolean;
}

const STORE_MS = 2_000;

/** What is up: clients can be served without NATS, and not without the journal or the store. */
export function healthPort({ journal, store, publisher, isStopping }: HealthParts): HealthPort {
  const parts = async (): Promise<PartHealth[]> => {
    const nats = publisher()?.status();
    return [
      { part: 'gateway', state: isStopping() ? 'stopping' : 'ok', needed: true },
      { part: 'journal', state: isWritable(journal) ? 'ok' : 'not writable: every action is refused', needed: true },
      { part: 'store', state: (await answers(store)) ? 'ok' : 'not answering: nobody can sign in', needed: true },
      ...(nats === undefined ? [] : [{ part: 'nats', state: spoken(nats), needed: false }]),
    ];
  };
  return {
    parts,
    problems: async () =>
      (await parts()).filter(({ state }) => state !== 'ok').map(({ part, state }) => `${part} ${state}`),
  };
}

/** Nobody acts while it cannot be written, so that nobody would notice that it can be again: this tries. */
function isWritable(journal: HealthParts['journal']): boolean {
  const { trouble } = journal;
  if (trouble === undefined) return true;
  try {
    journal.append(newEvent('journal.recovered', { data: { trouble } }));
    return true;
  } catch {
    return false;
  }
}

async function answers(store: HealthParts['store']): Promise<boolean> {
  const late = new Promise<false>((resolve) => setTimeout(() => resolve(false), STORE_MS).unref());
  return Promise.race([
    store.ping().then(
      () => true,
      () => false,
    ),
    late,
  ]);
}

const spoken = ({ state, lag }: { readonly state: string; readonly lag: number }): string =>
  state === 'up' ? 'ok' : `${state}: ${lag} events wait in the journal`;
