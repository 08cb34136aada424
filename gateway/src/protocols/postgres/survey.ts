import { Unavailable } from '@sallyport/shared/errors/errors.ts';
import { Inquiry } from '@sallyport/shared/wire/postgres/inquiry.ts';
import type { Backing } from '../protocol.ts';
import { Catalogue, type CatalogueRows, catalogueQueries } from './lineage/catalogue.ts';
import type { Statement } from './sql/analysis.ts';
import type { SqlReader } from './sql/reader.ts';

/** Views are spelled out under a lock on their tables, which a session that waits for the answer may hold itself. */
const RENEWAL_LOCK_MS = 250;
const FIRST_LOCK_MS = 10_000;
/** After a reading that failed the old one serves for so long. */
const RETRY_MS = 5_000;

/** Reads it, waiting for locks no longer than so many milliseconds. */
type Read<T> = (lockMs: number) => Promise<T>;

/** What is asked of a database's catalogue, and what is made of the answers. */
export interface Questions<T> {
  /** For the error where it cannot be read. */
  readonly purpose: string;
  readonly queries: readonly { readonly name: string; readonly sql: string }[];
  make(rows: CatalogueRows): T | Promise<T>;
}

/** A catalogue older than this is read again before the next session relies on it. */
const MAX_AGE_MS = 30_000;
/** Between two readings that unknown names ask for. */
const MIN_AGE_MS = 250;
/** A change of definitions is taken to be committed after this. */
const SETTLING_MS = 10_000;

/** What one database's catalogue said when it was last read; shared by the sessions on it. */
export class Surveyed<T> {
  /** Reads it for whoever used it last: their way to the target is the one in force. */
  read: Read<T>;
  #current: T;
  #readAt = Date.now();
  #disturbedAt = 0;
  #failedAt = 0;
  #renewing: Promise<void> | undefined;
  #revision = 0;

  constructor(current: T, read: Read<T>) {
    this.#current = current;
    this.read = read;
  }

  get current(): T {
    return this.#current;
  }

  /** Grows with each reading. */
  get revision(): number {
    return this.#revision;
  }

  /** It is to be read again before anybody relies on it. */
  get isOld(): boolean {
    if (Date.now() < this.#failedAt + RETRY_MS) return false;
    const age = Date.now() - this.#readAt;
    return age > MAX_AGE_MS || (age > MIN_AGE_MS && this.#readAt < this.#disturbedAt + SETTLING_MS);
  }

  /** Whether reading it again may tell something new. */
  get mayRenew(): boolean {
    const now = Date.now();
    return now - this.#readAt > MIN_AGE_MS && now >= this.#failedAt + RETRY_MS;
  }

  /** Somebody is about to change definitions. */
  disturb(): void {
    this.#disturbedAt = Date.now();
  }

  /** Reads it again; several who ask share one reading. Where that fails the old one stays, and unknown names stay unknown. */
  renew(): Promise<void> {
    this.#renewing ??= this.read(RENEWAL_LOCK_MS)
      .then(
        (current) => {
          this.#current = current;
          this.#readAt = Date.now();
          this.#revision += 1;
        },
        () => {
          this.#failedAt = Date.now();
        },
      )
      .finally(() => {
        this.#renewing = undefined;
      });
    return this.#renewing;
  }
}

/** Databases whose catalogue is kept. */
const MAX_SURVEYS = 256;

/** What is known of the catalogues of all databases. */
export class Surveys<T> {
  readonly #questions: Questions<T>;
  readonly #known = new Map<string, Promise<Surveyed<T>>>();

  constructor(questions: Questions<T>) {
    this.#questions = questions;
  }

  /**
   * Of the database that a session is for, at most 30 s old.
   * @throws Unavailable where the target does not tell: a session that relies on it is refused then.
   */
  async of(backing: Backing, database: string | undefined): Promise<Surveyed<T>> {
    const key = keyOf(backing, database);
    const known = await this.#known.get(key)?.catch(() => undefined);
    const read: Read<T> = (lockMs) => this.#read(backing, database, lockMs);
    if (known !== undefined) {
      known.read = read;
      if (known.isOld) await known.renew();
      return known;
    }
    const reading = read(FIRST_LOCK_MS).then((current) => new Surveyed(current, read));
    if (this.#known.size >= MAX_SURVEYS) this.#known.delete(this.#known.keys().next().value ?? '');
    this.#known.set(key, reading);
    return await reading.catch((error: unknown) => {
      this.#known.delete(key);
      if (error instanceof Unavailable) throw error;
      const why = error instanceof Error ? error.message : String(error);
      throw new Unavailable(
        'target',
        'ERR_TARGET_UNREACHABLE',
        `the target's catalogue, which ${this.#questions.purpose} need, could not be read: ${why}`,
      );
    });
  }

  /** A session is about to change definitions: whoever relies on them must read them again. */
  disturb(backing: Backing, database: string | undefined): void {
    this.#known.get(keyOf(backing, database))?.then(
      (surveyed) => surveyed.disturb(),
      () => undefined,
    );
  }

  async #read(backing: Backing, database: string | undefined, lockMs: number): Promise<T> {
    const settings = {
      client_encoding: 'UTF8',
      application_name: 'sallyport',
      lock_timeout: String(lockMs),
      ...(database === undefined ? {} : { database }),
    };
    const inquiry = new Inquiry(await backing.side(settings, AbortSignal.timeout(15_000)));
    try {
      const results: Record<string, readonly (readonly (string | null)[])[]> = {};
      for (const { name, sql } of this.#questions.queries) results[name] = (await inquiry.ask(sql))[0] ?? [];
      return await this.#questions.make(results);
    } finally {
      inquiry.close();
    }
  }
}

/** For lineage: view definitions are read before the catalogue is made, long ones in another thread. */
export const catalogueQuestions = (sql: SqlReader): Questions<Catalogue> => ({
  purpose: 'masks',
  queries: catalogueQueries(),
  async make(rows) {
    const parsed = new Map<string, Statement | undefined>();
    const wanted = new Set<string>();
    Catalogue.from(rows, (text) => {
      wanted.add(text);
      return undefined;
    });
    for (const text of wanted) parsed.set(text, (await sql.read(text)).statements[0]);
    return Catalogue.from(rows, (text) => parsed.get(text));
  },
});

const keyOf = ({ place }: Backing, database: string | undefined): string => JSON.stringify([place, database ?? null]);
