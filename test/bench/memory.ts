import pg from 'pg';
import { throughput } from './bulk.ts';
import { type Contender, residentBytes } from './contender.ts';
import { sallyport } from './ours.ts';

/** Bytes of resident memory. */
export interface Pair {
  readonly gateway: number;
  readonly agent: number;
}

export interface MemoryFigures {
  readonly idle: Pair;
  /** What one of 1,000 idle sessions adds. */
  readonly perSession: Pair;
  /** The most that was seen while 1 GB passed through one session. */
  readonly bulk: Pair;
}

const SESSIONS = 1_000;
/** Targets accept so many at once. */
const AT_ONCE = 20;

const resident = ({ processes }: Contender): Pair => ({
  gateway: residentBytes(processes['gateway'] ?? 0),
  agent: residentBytes(processes['agent'] ?? 0),
});

/** Measures a fresh gateway and agent: idle, then with many idle sessions, then with one large result. */
export async function memory(target: number): Promise<MemoryFigures> {
  const ours = await sallyport(target, 'Sallyport', 'bench');
  try {
    const idle = resident(ours);
    const clients = await open(ours);
    const after = resident(ours);
    for (const client of clients) await client.end();
    const each = (role: keyof Pair): number => (after[role] - idle[role]) / SESSIONS;
    const bulk = await whileBulk(ours);
    return { idle, bulk, perSession: { gateway: each('gateway'), agent: each('agent') } };
  } finally {
    await ours.stop();
  }
}

async function whileBulk(ours: Contender): Promise<Pair> {
  let [gateway, agent] = [0, 0];
  const watch = setInterval(() => {
    const now = resident(ours);
    gateway = Math.max(gateway, now.gateway);
    agent = Math.max(agent, now.agent);
  }, 20);
  await throughput(ours, "select repeat('x', 1000) from generate_series(1, 1000000)");
  clearInterval(watch);
  return { gateway, agent };
}

async function open({ port, user, password, database }: Contender): Promise<pg.Client[]> {
  const clients: pg.Client[] = [];
  const next = async (): Promise<void> => {
    while (clients.length < SESSIONS) {
      const client = new pg.Client({ host: '127.0.0.1', port, user, password, database });
      clients.push(client);
      await client.connect();
      await client.query('select 1');
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, next));
  return clients;
}
