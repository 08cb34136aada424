import type { Action } from '@sallyport/shared/access/action.ts';
import type { Denial } from '@sallyport/shared/access/verdict.ts';
import { noticeResponse } from '@sallyport/shared/wire/postgres/backend.ts';
import type { Lens, Request, Swap } from '../protocol.ts';
import type { Pipeline } from './pipeline.ts';
import { Pipeline as Names } from './pipeline.ts';
import { poison, poisoned, type Refusable } from './refusal.ts';
import { ReplyReader } from './replies.ts';
import { RequestReader, type StatementReader } from './requests.ts';

/** What a prepared statement or a portal stands for. */
export interface Prepared {
  readonly action: Action | Promise<Action>;
}

/** A request that can be refused, with what is needed to do so. */
export interface PostgresRequest extends Request {
  readonly kind: Refusable | 'run';
  /** The prepared statement's name, for Parse. */
  readonly statement: string;
  readonly segment: object;
}

/** Explains one PostgreSQL connection: two readers over one account of what the target has. */
export class PostgresLens implements Lens {
  readonly #pipeline: Pipeline<Prepared> = new Names<Prepared>();
  readonly #requests: RequestReader;
  readonly #replies = new ReplyReader(this.#pipeline);

  constructor(statements: StatementReader) {
    this.#requests = new RequestReader(statements, this.#pipeline);
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

  replies(chunk: Buffer, sink: (bytes: Buffer) => void): void {
    this.#replies.read(chunk, sink);
  }

  notice(text: string, hint: string): Buffer | undefined {
    if (this.#replies.withinMessage) return undefined;
    return noticeResponse({ severity: 'NOTICE', code: '00000', message: text, hint });
  }
}
