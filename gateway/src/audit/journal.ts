import { hash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import type { Unavailable } from '@sallyport/shared/errors/errors.ts';
import { type JournalRecord, recordJson } from './chain.ts';
import type { AuditEvent } from './event.ts';
import { lockFolder } from './lock.ts';
import { Mark } from './mark.ts';
import { createSegment, examine, type Found, type Recovery } from './opening.ts';
import { readBackwards, readForwards, type Shelf } from './reader.ts';
import { type Head, JSON_OFFSET, type Segment, segmentFile, unavailable } from './segment.ts';
import { type Disk, disk, FileEnd } from './writer.ts';

export interface JournalOptions {
  /** `always`: an event is on the disk when `append` returns. `interval`: at most `syncIntervalMs` later. */
  readonly sync?: 'interval' | 'always';
  readonly syncIntervalMs?: number;
  /** A new file is begun when one has grown to this. */
  readonly segmentBytes?: number;
  readonly disk?: Disk;
}

interface Waiter {
  readonly sequence: number;
  readonly resolve: (sequence: number) => void;
  readonly reject: (error: Unavailable) => void;
}

/**
 * The durable, hash-chained log of audit events: one writer, any number of readers.
 * @see docs/decisions/journal.md
 */
export class Journal {
  readonly dir: string;
  /** Names this journal for ever; part of the chain. */
  readonly id: string;
  /** What opening it had to cut off, if anything. */
  readonly recovery: Recovery | undefined;
  readonly #options: Required<JournalOptions>;
  readonly #release: () => void;
  readonly #mark: Mark;
  readonly #segments: Segment[];
  readonly #sizes: number[];
  /** `<hash of the head> SP` and room for JSON: the next record is made in place. */
  #line = Buffer.allocUnsafe(64 * 1024);
  #hash: string;
  #sequence: number;
  #durable: Head;
  #end: FileEnd;
  #syncing = false;
  #timer: NodeJS.Timeout | undefined;
  #waiting: Waiter[] = [];
  #wakes = new Set<() => void>();
  #durableWakes = new Set<() => void>();
  #closed = false;
  #trouble: string | undefined;

  /**
   * Opens the journal of a folder or begins one; checks the last file whole and the seams between all files.
   * @throws Unavailable ERR_JOURNAL_UNAVAILABLE when the folder is in use, or the journal is damaged: file and line.
   */
  static async open(dir: string, options: JournalOptions = {}): Promise<Journal> {
    try {
      mkdirSync(dir, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw unavailable(error);
    }
    const lock = lockFolder(dir);
    try {
      const found = await examine(dir);
      return new Journal(dir, options, found, () => lock.release());
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  private constructor(dir: string, options: JournalOptions, found: Found, release: () => void) {
    this.dir = dir;
    this.id = found.journalId;
    this.recovery = found.recovery;
    this.#options = { sync: 'interval', syncIntervalMs: 50, segmentBytes: 64 * 1024 * 1024, disk, ...options };
    this.#release = release;
    this.#segments = found.segments;
    this.#sizes = found.sizes;
    this.#sequence = found.head.sequence;
    this.#hash = found.head.hash;
    this.#durable = found.head;
    this.#line.write(`${this.#hash} `, 0, 'latin1');
    this.#end = new FileEnd((this.#segments.at(-1) as Segment).file, this.#options.disk);
    this.#mark = new Mark(dir);
    this.#mark.note(found.head);
  }

  /** The last record. */
  get head(): Head {
    return { sequence: this.#sequence, hash: this.#hash };
  }

  /** Why the last attempt to write or sync failed; undefined where it did not. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** The last record that is known to be on the disk. */
  get durable(): Head {
    return this.#durable;
  }

  /**
   * Writes an event and returns its number. The kernel has it: only a loss of power can take it back, and with `sync:
   * always` not even that.
   * @throws Unavailable ERR_JOURNAL_UNAVAILABLE; the next call tries anew.
   */
  append(event: AuditEvent): number {
    return this.appendJson(JSON.stringify(event));
  }

  /** As `append`, for an event that is JSON already, as `JSON.stringify` writes it. */
  appendJson(event: string): number {
    try {
      if (this.#end.suspect) this.#syncNow();
      const sequence = this.#write(event);
      if (this.#options.sync === 'always') this.#syncNow();
      else if (this.#timer === undefined && !this.#syncing) this.#schedule();
      return sequence;
    } catch (error) {
      throw this.#troubled(error);
    }
  }

  /**
   * Writes an event and resolves to its number when it is on the disk; callers of one moment share a sync.
   * @throws Unavailable ERR_JOURNAL_UNAVAILABLE (as a rejection); the record may then still be in the journal.
   */
  async appendDurable(event: AuditEvent): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    try {
      if (this.#end.suspect) this.#syncNow();
      const sequence = this.#write(JSON.stringify(event));
      this.#waiting.push({ sequence, resolve, reject });
    } catch (error) {
      throw this.#troubled(error);
    }
    if (!this.#syncing) this.#startSync();
    return promise;
  }

  /**
   * Records in order, beginning behind `after` (default: from the first). With `follow` it goes on with each new one
   * until `signal` aborts; with `durable` a record is told only when it is on the disk.
   * @throws Unavailable when a record does not fit the chain.
   */
  read(
    options: { after?: number; follow?: boolean; durable?: boolean; signal?: AbortSignal } = {},
  ): AsyncIterable<JournalRecord> {
    const wakes = options.durable === true ? this.#durableWakes : this.#wakes;
    return readForwards(this.#shelf(options.durable === true), options, (wake) => {
      wakes.add(wake);
      return () => wakes.delete(wake);
    });
  }

  /** Records from the last to the first. */
  readBackwards(): AsyncIterable<JournalRecord> {
    return readBackwards(this.#shelf(false));
  }

  /** The last `count` records that the filter takes, oldest first; fewer when they are longer than 16 MiB together. */
  async latest(count: number, filter: (event: AuditEvent) => boolean = () => true): Promise<JournalRecord[]> {
    const found: JournalRecord[] = [];
    let left = 16 * 1024 * 1024;
    if (count <= 0) return found;
    for await (const record of this.readBackwards()) {
      if (!filter(record.event)) continue;
      left -= record.line.length;
      if (left < 0 && found.length > 0) break;
      found.push(record);
      if (found.length >= count) break;
    }
    return found.reverse();
  }

  /** Syncs, and lets the folder go. Followers end. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    if (this.#syncing) await new Promise<void>((resolve) => this.#durableWakes.add(resolve));
    try {
      this.#syncNow();
    } catch (error) {
      this.#failed(error);
      throw unavailable(error);
    } finally {
      this.#wakeAll(this.#wakes);
      this.#wakeAll(this.#durableWakes);
      this.#end.close();
      this.#mark.close();
      this.#release();
    }
  }

  #write(event: string): number {
    if (this.#closed) throw new Error('it is closed');
    if (this.#end.size >= this.#options.segmentBytes && !this.#syncing) this.#rotate();
    const sequence = this.#sequence + 1;
    const length = this.#place(recordJson(sequence, event));
    const next = hash('sha256', this.#line.subarray(0, length), 'hex');
    this.#line.write(next, 0, 'latin1');
    this.#line[length] = 0x0a;
    try {
      this.#end.append(this.#line, length + 1);
    } catch (error) {
      this.#line.write(this.#hash, 0, 'latin1');
      throw error;
    }
    this.#hash = next;
    this.#sequence = sequence;
    this.#sizes[this.#sizes.length - 1] = this.#end.size;
    if (this.#wakes.size > 0) this.#wakeAll(this.#wakes);
    return sequence;
  }

  /** Puts the JSON behind the head's hash. Returns the line's length without its line feed. */
  #place(json: string): number {
    const most = JSON_OFFSET + json.length * 3 + 1;
    if (most > this.#line.length) {
      const needed = JSON_OFFSET + Buffer.byteLength(json) + 1;
      if (needed > this.#line.length) {
        const larger = Buffer.allocUnsafe(needed * 2);
        this.#line.copy(larger, 0, 0, JSON_OFFSET);
        this.#line = larger;
      }
    }
    return JSON_OFFSET + this.#line.write(json, JSON_OFFSET);
  }

  #schedule(): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (!this.#syncing) this.#startSync();
    }, this.#options.syncIntervalMs);
  }

  #startSync(): void {
    this.#syncing = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const reached = this.head;
    this.#end.syncLater((error) => {
      this.#syncing = false;
      if (error === undefined) this.#reached(reached);
      else this.#failed(error);
      this.#afterSync();
    });
  }

  /** Whoever wrote while the last sync ran gets the next one. */
  #afterSync(): void {
    if (this.#closed) return;
    if (this.#end.size >= this.#options.segmentBytes) this.#tryRotate();
    if (this.#waiting.length > 0) this.#startSync();
    else if (this.#sequence > this.#durable.sequence) this.#schedule();
  }

  #syncNow(): void {
    this.#end.sync();
    this.#reached(this.head);
  }

  #reached(head: Head): void {
    this.#trouble = undefined;
    if (head.sequence > this.#durable.sequence) {
      this.#durable = head;
      this.#mark.note(head);
    }
    let settled = 0;
    for (const { sequence, resolve } of this.#waiting) {
      if (sequence > head.sequence) break;
      resolve(sequence);
      settled += 1;
    }
    this.#waiting.splice(0, settled);
    this.#wakeAll(this.#durableWakes);
  }

  #troubled(error: unknown): Unavailable {
    const told = unavailable(error);
    this.#trouble = told.message;
    return told;
  }

  #failed(error: unknown): void {
    const told = this.#troubled(error);
    for (const { reject } of this.#waiting.splice(0)) reject(told);
    if (this.#closed) this.#wakeAll(this.#durableWakes);
  }

  #tryRotate(): void {
    try {
      this.#rotate();
    } catch {
      // The next append tries again, and tells.
    }
  }

  /** The old file is durable before the new one exists: only the last file may have a torn tail. */
  #rotate(): void {
    this.#syncNow();
    const header = { journalId: this.id, first: this.#sequence + 1, previous: this.#hash };
    createSegment(this.dir, header, this.#options.disk);
    const segment = { file: segmentFile(this.dir, header.first), first: header.first };
    const end = new FileEnd(segment.file, this.#options.disk);
    this.#end.close();
    this.#end = end;
    this.#segments.push(segment);
    this.#sizes.push(end.size);
  }

  #wakeAll(wakes: Set<() => void>): void {
    if (wakes.size === 0) return;
    const all = [...wakes];
    wakes.clear();
    for (const wake of all) wake();
  }

  #shelf(durable: boolean): Shelf {
    return {
      segments: this.#segments,
      sizeOf: (index) => {
        const size = this.#sizes[index] ?? 0;
        return durable && index === this.#sizes.length - 1 ? Math.min(size, this.#end.durable) : size;
      },
      closed: () => this.#closed,
    };
  }
}
