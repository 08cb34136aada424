import { Unavailable } from '../../errors/errors.ts';
import type { TunnelStream } from '../../tunnel/stream.ts';
import { decodeDataRow, decodeFields, type Fields } from './backend.ts';
import { MessageCutter } from './cutter.ts';
import { query, terminate } from './frontend.ts';
import { Backend } from './types.ts';

export type Rows = readonly (readonly (string | null)[])[];

/** What the target said no to. */
export class AnswerError extends Error {
  /** Five characters. @see PostgreSQL manual, appendix A */
  readonly sqlState: string;

  constructor(fields: Fields) {
    super(fields['M'] ?? 'the target reported an error');
    this.sqlState = fields['C'] ?? 'XXXXX';
  }
}

/** Answers larger than this are given up. Bytes. */
const MAX_ANSWER_BYTES = 256 * 1024 * 1024;

interface Pending {
  readonly results: (string | null)[][][];
  rows: (string | null)[][];
  bytes: number;
  error: AnswerError | undefined;
  resolve(results: readonly Rows[]): void;
  reject(error: Error): void;
}

/** A session of our own with a target: it asks, one question after the other, and nobody else hears it. */
export class Inquiry {
  readonly #stream: TunnelStream;
  readonly #cutter = new MessageCutter({ maxBufferedBytes: 64 * 1024 * 1024 });
  readonly #queue: { text: string; pending: Pending }[] = [];
  #current: Pending | undefined;
  #closed: Error | undefined;

  /** Takes a stream that is logged in and idle. */
  constructor(stream: TunnelStream) {
    this.#stream = stream;
    stream.attach({
      onData: (chunk) => this.#receive(chunk),
      onDrain: () => undefined,
      onEnd: () => this.#end(undefined),
      onClose: (error) => this.#end(error),
    });
  }

  get closed(): boolean {
    return this.#closed !== undefined;
  }

  /**
   * Each statement's rows, as text. @throws Unavailable when the connection is lost; AnswerError with the target's message.
   */
  ask(text: string): Promise<readonly Rows[]> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    return new Promise((resolve, reject) => {
      const pending = { results: [], rows: [], bytes: 0, error: undefined, resolve, reject };
      this.#queue.push({ text, pending });
      this.#next();
    });
  }

  close(): void {
    if (this.#closed !== undefined) return;
    this.#stream.write(terminate());
    this.#stream.end();
    this.#end(undefined);
  }

  #next(): void {
    if (this.#current !== undefined) return;
    const head = this.#queue.shift();
    if (head === undefined) return;
    this.#current = head.pending;
    this.#stream.write(query(head.text));
  }

  #receive(chunk: Buffer): void {
    try {
      this.#cutter.push(chunk, this);
    } catch (error) {
      this.#stream.destroy(error as Error);
      this.#end(error as Error);
    }
  }

  message(type: number, buffer: Buffer, start: number, end: number): void {
    const current = this.#current;
    if (current === undefined) return;
    if (type === Backend.DataRow) {
      current.bytes += end - start;
      if (current.bytes > MAX_ANSWER_BYTES) throw new Error('the target answered more than could be kept');
      current.rows.push(decodeDataRow(buffer, start, end).map((value) => value?.toString('utf8') ?? null));
    } else if (type === Backend.CommandComplete) {
      current.results.push(current.rows);
      current.rows = [];
    } else if (type === Backend.ErrorResponse) {
      current.error ??= new AnswerError(decodeFields(buffer, start, end));
    } else if (type === Backend.ReadyForQuery) {
      this.#current = undefined;
      if (current.error === undefined) current.resolve(current.results);
      else current.reject(current.error);
      this.#next();
    }
  }

  #end(cause: Error | undefined): void {
    if (this.#closed !== undefined) return;
    const why = cause === undefined ? 'it was closed' : cause.message;
    this.#closed = new Unavailable(
      'target',
      'ERR_TARGET_UNREACHABLE',
      `Sallyport's own connection to the target ended: ${why}`,
    );
    this.#current?.reject(this.#closed);
    for (const { pending } of this.#queue.splice(0)) pending.reject(this.#closed);
  }
}
