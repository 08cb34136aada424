import type { Duplex } from 'node:stream';
import type { Action } from '@sallyport/shared/access/action.ts';
import type { Denial } from '@sallyport/shared/access/verdict.ts';
import type { TargetGreeting } from '@sallyport/shared/tunnel/opening.ts';
import {
  authenticationOk,
  backendKeyData,
  parameterStatus,
  readyForQuery,
} from '@sallyport/shared/wire/postgres/backend.ts';
import type { Exchange } from '../protocol.ts';
import type { CancelKey, CancelKeys } from './cancellation.ts';
import { PostgresLens } from './lens.ts';
import { denialResponse } from './refusal.ts';
import type { StatementReader } from './requests.ts';

/** A PostgreSQL session is one exchange. */
export class PostgresExchange implements Exchange {
  readonly opening: Action = { kind: 'session.open', verb: 'open', effects: ['open'] };
  readonly settings: Readonly<Record<string, string>>;
  readonly client: Duplex;
  readonly lens: PostgresLens;
  readonly #minor: number;
  readonly #keys: CancelKeys;
  #key: CancelKey | undefined;

  constructor(
    client: Duplex,
    settings: Readonly<Record<string, string>>,
    minor: number,
    keys: CancelKeys,
    statements: StatementReader,
  ) {
    this.client = client;
    this.settings = settings;
    this.#minor = minor;
    this.#keys = keys;
    this.lens = new PostgresLens(statements);
  }

  begin(target: TargetGreeting, cancel: () => Promise<void>): Buffer {
    // A cancel that comes late must not hit the next statement.
    this.#key = this.#keys.issue(this.#minor, async () => {
      if (!this.lens.idle) await cancel();
    });
    const statuses = Object.entries(target).map(([name, text]) => parameterStatus(name, text));
    const { processId, secretKey } = this.#key;
    return Buffer.concat([authenticationOk(), ...statuses, backendKeyData(processId, secretKey), readyForQuery('I')]);
  }

  farewell(denial: Denial): Buffer {
    return denialResponse(denial, 'FATAL');
  }

  end(): void {
    if (this.#key !== undefined) this.#keys.revoke(this.#key);
  }
}
