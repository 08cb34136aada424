import type { Denial, RowLimit } from '@sallyport/shared/access/verdict.ts';
import { type FieldDescription, noticeResponse } from '@sallyport/shared/wire/postgres/backend.ts';
import type { Format } from '@sallyport/shared/wire/postgres/types.ts';
import type { Lens, Request, Swap } from '../protocol.ts';
import { VeiledAnswers } from './answers.ts';
import type { RowMasker } from './masking/rows.ts';
import { type Limited, Pipeline } from './pipeline.ts';
import { poison, poisoned, type Refusable } from './refusal.ts';
import { ReplyReader } from './replies.ts';
import { RequestReader, type StatementMatter, type StatementReader } from './requests.ts';
import { RowCap } from './row-cap.ts';

/** What a prepared statement or a portal stands for. */
export interface Prepared {
  readonly matter: StatementMatter | Promise<StatementMatter>;
  /** The matter once it has been read. */
  known: StatementMatter | undefined;
  /** Of a portal: its statement, and the formats that were asked for. */
  statement?: Prepared | undefined;
  formats: readonly Format[];
  /** Its columns, once the target has described them. */
  described: readonly FieldDescription[] | undefined;
  /** How its rows are shown; worked out at the first of them. */
  shown: RowMasker | undefined;
  /** Of a portal: how many rows it may return. */
  limit?: RowLimit | undefined;
  rowsBefore?: number;
}

/** A request that can be refused, with what is needed to do so. */
export interface PostgresRequest extends Request {
  readonly kind: Refusable | 'run';
  /** The prepared statement's name, for Parse. */
  readonly statement: string;
  readonly segment: object;
  readonly limited: Limited;
}

/** Explains one PostgreSQL connection: two readers over one account of what the target has. */
export class PostgresLens implements Lens {
  readonly #pipeline = new Pipeline<Prepared>();
  readonly #requests: RequestReader;
  readonly #replies: ReplyReader;
  /** Asks the target to stop what runs; known once it is there. */
  cancel: (() => Promise<void>) | undefined;

  constructor(statements: StatementReader) {
    const { veiling } = statements;
    const answers = veiling === undefined ? undefined : new VeiledAnswers(this.#pipeline, veiling);
    this.#requests = new RequestReader(statements, this.#pipeline);
    const rows = new RowCap(this.#pipeline, () => {
      const cancelled = this.cancel?.();
      if (cancelled !== undefined) this.#requests.holdUntil(cancelled);
    });
    this.#replies = new ReplyReader(this.#pipeline, answers, rows);
  }

  /** Nothing runs on the target: a cancel would have nothing to cancel. */
  get idle(): boolean {
    return this.#pipeline.idle;
  }

  requests(chunk: Buffer): readonly PostgresRequest[] {
    return this.#requests.read(chunk);
  }

  refuse(request: Request, denial: Denial): Swap {
    const { kind, statement, segment } = request as PostgresRequest;
    if (kind === 'run') throw new Error('a request that asks nothing cannot be refused');
    const put = poison(denial);
    this.#pipeline.poison(segment, put);
    return { toTarget: poisoned(kind, statement, put), toClient: undefined };
  }

  limit(request: Request, limit: RowLimit): void {
    (request as PostgresRequest).limited.limit = limit;
  }

  replies(chunk: Buffer, sink: (bytes: Buffer) => void): void {
    this.#replies.read(chunk, sink);
  }

  notice(text: string, hint: string): Buffer | undefined {
    if (this.#replies.withinMessage) return undefined;
    return noticeResponse({ severity: 'NOTICE', code: '00000', message: text, hint });
  }
}
