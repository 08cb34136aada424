import type pg from 'pg';
import type { Fixture } from '../end-to-end/fixture.ts';

/** Clients that insert numbers, each its own, until they are told to stop; they connect again when they are cut off. */
export class Load {
  /** Numbers whose answers clients have got. */
  readonly acknowledged = new Set<number>();
  /** Connections that broke. */
  failures = 0;
  readonly #all: Fixture;
  readonly #workers: Promise<void>[];
  #next = 0;
  #stopped = false;
  #progress: (() => void) | undefined;

  constructor(all: Fixture, clients: number) {
    this.#all = all;
    this.#workers = Array.from({ length: clients }, () => this.#work());
  }

  /** Resolves when so many more were acknowledged. */
  async more(count: number): Promise<void> {
    const wanted = this.acknowledged.size + count;
    while (this.acknowledged.size < wanted) {
      await new Promise<void>((resolve) => {
        this.#progress = resolve;
      });
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#workers);
  }

  async #work(): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.#session();
      } catch {
        this.failures += 1;
        await new Promise((again) => setTimeout(again, 50));
      }
    }
  }

  async #session(): Promise<void> {
    const client: pg.Client = await this.#all.client('dana');
    // A connection that breaks between two statements is told here; the next statement fails too.
    client.on('error', () => undefined);
    try {
      while (!this.#stopped) {
        this.#next += 1;
        const number = this.#next;
        const { rows } = await client.query(`insert into numbered values (${number}) returning n`);
        if (rows[0].n !== number) throw new Error('another number came back');
        this.acknowledged.add(number);
        this.#progress?.();
      }
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}
