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

/** What was agreed on with the client before it was let in. */
export interface Agreed {
  readonly client: Duplex;
  /** Startup parameters for the target. */
  readonly settings: Readonly<Record<string, string>>;
  /** Minor version of protocol 3. */
  readonly minor: number;
  readonly keys: CancelKeys;
  /** AuthenticationOk was sent already. */
  readonly accepted: boolean;
}

/** A PostgreSQL session is one exchange. */
export class PostgresExchange implements Exchange {
  readonly opening: Action = { kind: 'session.open', verb: 'open', effects: ['open'] };
  readonly settings: Readonly<Record<string, string>>;
  readonly client: Duplex;
  readonly lens: PostgresLens;
  readonly #agreed: Agreed;
  #key: CancelKey | undefined;

  constructor(agreed: Agreed, statements: StatementReader) {
    this.client = agreed.client;
    this.settings = agreed.settings;
    this.#agreed = agreed;
    this.lens = new PostgresLens(statements);
  }

  begin(target: TargetGreeting, cancel: () => Promise<void>): Buffer {
    this.lens.cancel = cancel;
    // A cancel that comes late must not hit the next statement.
    this.#key = this.#agreed.keys.issue(this.#agreed.minor, async () => {
      if (!this.lens.idle) await cancel();
    });
    const statuses = Object.entries(target).map(([name, text]) => parameterStatus(name, text));
    const { processId, secretKey } = this.#key;
    const accepted = this.#agreed.accepted ? [] : [authenticationOk()];
    return Buffer.concat([...accepted, ...statuses, backendKeyData(processId, secretKey), readyForQuery('I')]);
  }

  farewell(denial: Denial): Buffer {
    return denialResponse(denial, 'FATAL');
  }

  end(): void {
    if (this.#key !== undefined) this.#agreed.keys.revoke(this.#key);
  }
}
