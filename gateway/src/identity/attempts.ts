import { isIPv6 } from 'node:net';

interface Record {
  failures: number;
  /** Milliseconds since the epoch, both. */
  lastAt: number;
  blockedUntil: number;
}

/** Failures that cost nothing, by what they are counted for: many people may share an address. */
const FREE = { user: 5, address: 20 } as const;
const FIRST_WAIT_MS = 1_000;
const MAX_WAIT_MS = 60_000;
const FORGOTTEN_MS = 15 * 60_000;

export interface Attempt {
  readonly user: string;
  /** IP address. */
  readonly address: string;
}

/** Counts wrong passwords for each user and each address and makes guessing slow. */
export class Attempts {
  readonly #records = new Map<string, Record>();
  readonly #clock: () => number;
  readonly #maxRecords: number;

  constructor(clock: () => number = Date.now, maxRecords = 10_000) {
    this.#clock = clock;
    this.#maxRecords = maxRecords;
  }

  /** How long this one has to wait, in milliseconds; 0: not at all. */
  waitMs(attempt: Attempt): number {
    const now = this.#clock();
    const waits = keysOf(attempt).map(({ key }) => (this.#records.get(key)?.blockedUntil ?? 0) - now);
    return Math.max(0, ...waits);
  }

  failed(attempt: Attempt): void {
    const now = this.#clock();
    for (const { key, free } of keysOf(attempt)) {
      const known = this.#records.get(key);
      const failures = known === undefined || now - known.lastAt > FORGOTTEN_MS ? 1 : known.failures + 1;
      const waitMs = failures < free ? 0 : Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(failures - free, 16));
      // Set anew, so that the map stays in the order of last use.
      this.#records.delete(key);
      this.#records.set(key, { failures, lastAt: now, blockedUntil: now + waitMs });
    }
    this.#trim();
  }

  succeeded(attempt: Attempt): void {
    for (const { key } of keysOf(attempt)) this.#records.delete(key);
  }

  get size(): number {
    return this.#records.size;
  }

  #trim(): void {
    for (const key of this.#records.keys()) {
      if (this.#records.size <= this.#maxRecords) return;
      this.#records.delete(key);
    }
  }
}

function keysOf({ user, address }: Attempt): readonly { key: string; free: number }[] {
  return [
    { key: `user ${user.slice(0, 128)}`, free: FREE.user },
    { key: `address ${network(address)}`, free: FREE.address },
  ];
}

/** Whoever has one IPv6 address most often has the /64 around it. */
function network(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').slice(0, 64);
  if (!isIPv6(plain)) return plain;
  const [head = '', tail] = (plain.split('%')[0] ?? '').split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  const groups = [...left, ...Array<string>(zeros).fill('0'), ...right];
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}
