import type { Action } from '@sallyport/shared/access/action.ts';
import { WireError } from '@sallyport/shared/errors/errors.ts';
import { type CutterSink, MessageCutter } from '@sallyport/shared/wire/postgres/cutter.ts';
import {
  type Bind,
  decodeBind,
  decodeClose,
  decodeDescribe,
  decodeExecute,
  decodeParse,
  decodeQuery,
} from '@sallyport/shared/wire/postgres/frontend.ts';
import { frontendLimit } from '@sallyport/shared/wire/postgres/limits.ts';
import { Frontend } from '@sallyport/shared/wire/postgres/types.ts';
import type { Ask, Matter } from '../protocol.ts';
import type { Veiling } from './answers.ts';
import type { ResultPlan } from './exposure.ts';
import type { PostgresRequest, Prepared } from './lens.ts';
import type { Limited, Pipeline } from './pipeline.ts';
import type { Refusable } from './refusal.ts';

/** Reads SQL; cached by text, and a promise for what takes longer than the event loop should wait. */
export interface StatementReader {
  /** Where masks concern the session, what its replies are shown by. */
  readonly veiling: Veiling | undefined;
  /** The action is of kind `postgres.query`; `unknown` where the text could not be read. */
  read(text: string): StatementMatter | Promise<StatementMatter>;
}

/** A text that was read, and under a veil what is done to each of its statements' rows. */
export interface StatementMatter extends Matter {
  readonly results?: readonly ResultPlan[];
}

/** A statement with its parameters is judged as a whole, so it is held as a whole. Bytes. */
const MAX_STATEMENT_BYTES = 64 * 1024 * 1024;

/** Copied data beyond this passes in parts. Bytes. */
const STREAM_ABOVE_BYTES = 64 * 1024;

/** Names a client may keep prepared or open at once; beyond it something is wrong with the client. */
const MAX_NAMES = 10_000;

/** What is run although nobody saw it prepared (by SQL, in a function): policy sees that it cannot be read. */
const unseenAction: Action = { kind: 'postgres.execute', verb: 'unknown', effects: ['unknown'] };
const unseen: StatementMatter = { action: unseenAction, basis: unseenAction };
const unseenUnderVeil: StatementMatter = {
  ...unseen,
  exposure: {
    masks: [],
    reveals: {
      mask: undefined,
      message: 'masks apply to you here, and this was not prepared in view of the gateway',
      hint: 'Send the statement itself.',
    },
  },
};

/** Cuts what a client sends into requests. */
export class RequestReader implements CutterSink {
  readonly #statements: StatementReader;
  readonly #pipeline: Pipeline<Prepared>;
  /** Replies are read too: what is due must be known. */
  readonly #veiled: boolean;
  readonly #cutter = new MessageCutter({
    maxBufferedBytes: MAX_STATEMENT_BYTES,
    streamAboveBytes: STREAM_ABOVE_BYTES,
    limitOf: frontendLimit,
  });
  #found: PostgresRequest[] = [];
  /** The client has said that it goes: nothing behind that is read. */
  #terminated = false;
  /** Neighbouring messages that ask nothing, kept as one. */
  #run: Buffer | undefined;
  #hold: Promise<void> | undefined;

  constructor(statements: StatementReader, pipeline: Pipeline<Prepared>) {
    this.#statements = statements;
    this.#pipeline = pipeline;
    this.#veiled = statements.veiling !== undefined;
  }

  get #unseen(): StatementMatter {
    return this.#veiled ? unseenUnderVeil : unseen;
  }

  read(chunk: Buffer): readonly PostgresRequest[] {
    this.#found = [];
    this.#cutter.push(chunk, this);
    this.#endRun();
    return this.#found;
  }

  streams(type: number): boolean {
    return type === Frontend.CopyData;
  }

  part(_type: number, bytes: Buffer): void {
    if (!this.#terminated) this.#pass(bytes);
  }

  message(type: number, buffer: Buffer, start: number, end: number): void {
    if (this.#terminated) return;
    switch (type) {
      case Frontend.Query:
        return this.#query(buffer, start, end);
      case Frontend.Parse:
        return this.#parse(buffer, start, end);
      case Frontend.Bind:
        return this.#bind(buffer, start, end);
      case Frontend.Execute:
        return this.#execute(buffer, start, end);
      case Frontend.FunctionCall:
        this.#ask('FunctionCall', buffer.subarray(start, end), { stage: 'perform', matter: this.#unseen });
        return this.#pipeline.query();
      case Frontend.Close: {
        const { kind, name } = decodeClose(buffer, start, end);
        this.#pipeline.change(kind, name, undefined, 'close');
        break;
      }
      case Frontend.Sync:
        this.#pipeline.sync();
        break;
      case Frontend.CopyDone:
      case Frontend.CopyFail:
        this.#pipeline.copyInEnded();
        break;
      case Frontend.Describe:
        this.#pipeline.extended();
        if (this.#veiled) this.#describe(buffer, start, end);
        break;
      case Frontend.CopyData:
      case Frontend.Flush:
        break;
      case Frontend.Terminate:
        this.#terminated = true;
        break;
      default:
        throw new WireError('ERR_WIRE_UNEXPECTED', `a client does not send message 0x${type.toString(16)}`, {
          see: 'PostgreSQL manual, 54.7',
        });
    }
    this.#pass(buffer.subarray(start, end));
  }

  #query(buffer: Buffer, start: number, end: number): void {
    const text = decodeQuery(buffer, start, end);
    const matter = this.#statements.read(text);
    this.#ask('Query', buffer.subarray(start, end), { stage: 'perform', matter }, '', this.#limited());
    if (this.#veiled) this.#pipeline.expect('query', prepared(matter));
    this.#pipeline.query();
  }

  #parse(buffer: Buffer, start: number, end: number): void {
    const { statement, text } = decodeParse(buffer, start, end);
    if (this.#pipeline.names > MAX_NAMES) {
      throw new WireError('ERR_WIRE_TOO_LARGE', `more than ${MAX_NAMES} statements are prepared`);
    }
    const matter = this.#statements.read(text);
    this.#ask('Parse', buffer.subarray(start, end), { stage: 'prepare', matter }, statement);
    this.#pipeline.change('statement', statement, prepared(matter), 'parse');
  }

  #bind(buffer: Buffer, start: number, end: number): void {
    const bind = decodeBind(buffer, start, end);
    const known = this.#pipeline.lookup('statement', bind.statement);
    const matter =
      known instanceof Promise
        ? known.then((later) => bound(later, bind, this.#unseen))
        : bound(known, bind, this.#unseen);
    const portal = prepared(matter);
    this.#ask('Bind', buffer.subarray(start, end), { stage: 'perform', matter }, '', portal);
    portal.formats = bind.resultFormats;
    if (known instanceof Promise) known.then((later) => inherit(portal, later));
    else inherit(portal, known);
    this.#pipeline.change('portal', bind.portal, portal, 'bind');
  }

  #execute(buffer: Buffer, start: number, end: number): void {
    const { portal } = decodeExecute(buffer, start, end);
    this.#pipeline.extended();
    const bytes = buffer.subarray(start, end);
    const known = this.#pipeline.lookup('portal', portal);
    this.#pipeline.limits(known);
    if (this.#veiled) this.#pipeline.expect('execute', known);
    // A portal of our own was judged when it was bound.
    if (known !== undefined && !(known instanceof Promise)) return this.#pass(bytes);
    const matter = known === undefined ? this.#unseen : known.then((later) => later?.matter ?? this.#unseen);
    this.#ask('Execute', bytes, { stage: 'perform', matter }, '', this.#limited());
  }

  #describe(buffer: Buffer, start: number, end: number): void {
    const { kind, name } = decodeDescribe(buffer, start, end);
    this.#pipeline.expect('describe', this.#pipeline.lookup(kind, name));
  }

  /** While a cancel of the gateway's own is under way nothing new may run: it could be what is cancelled. */
  holdUntil(settled: Promise<void>): void {
    const hold: Promise<void> = settled.then(
      () => this.#forget(hold),
      () => this.#forget(hold),
    );
    this.#hold = hold;
  }

  #forget(hold: Promise<void>): void {
    if (this.#hold === hold) this.#hold = undefined;
  }

  #limited(): Limited {
    const limited: Limited = {};
    this.#pipeline.limits(limited);
    return limited;
  }

  #ask(kind: Refusable, bytes: Buffer, ask: Ask, statement = '', limited: Limited = {}): void {
    this.#endRun();
    const hold = this.#hold;
    const asked = hold === undefined ? ask : { ...ask, matter: hold.then(() => ask.matter) };
    this.#found.push({ bytes, ask: asked, kind, statement, segment: this.#pipeline.current, limited });
  }

  #pass(bytes: Buffer): void {
    const run = this.#run;
    if (run !== undefined && run.buffer === bytes.buffer && run.byteOffset + run.length === bytes.byteOffset) {
      this.#run = Buffer.from(run.buffer as ArrayBuffer, run.byteOffset, run.length + bytes.length);
      return;
    }
    this.#endRun();
    this.#run = bytes;
  }

  #endRun(): void {
    if (this.#run === undefined) return;
    this.#found.push({
      bytes: this.#run,
      ask: undefined,
      kind: 'run',
      statement: '',
      segment: this.#pipeline.current,
      limited: {},
    });
    this.#run = undefined;
  }
}

const prepared = (matter: StatementMatter | Promise<StatementMatter>): Prepared => {
  const made: Prepared = { matter, known: undefined, formats: [], described: undefined, shown: undefined };
  if (matter instanceof Promise) {
    matter.then((known) => {
      made.known = known;
    });
  } else made.known = matter;
  return made;
};

/** A portal has the columns of its statement. */
function inherit(portal: Prepared, statement: Prepared | undefined): void {
  portal.statement = statement;
}

/** The statement with this execution's parameters. */
function bound(
  statement: Prepared | undefined,
  bind: Bind,
  unseen: StatementMatter,
): StatementMatter | Promise<StatementMatter> {
  if (statement === undefined) return unseen;
  const { matter } = statement;
  return matter instanceof Promise ? matter.then((known) => withParameters(known, bind)) : withParameters(matter, bind);
}

/** A statement without parameters stays as it was read. */
function withParameters(matter: StatementMatter, { parameters, parameterFormats }: Bind): StatementMatter {
  if (parameters.length === 0) return matter;
  const format = (i: number) => (parameterFormats.length === 1 ? parameterFormats[0] : parameterFormats[i]) ?? 0;
  const texts = parameters.map((value, i) => {
    if (value === null) return undefined;
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.length);
    return format(i) === 0 ? bytes.toString('utf8') : `\\x${bytes.toString('hex')}`;
  });
  return { ...matter, action: { ...matter.action, kind: 'postgres.execute', parameters: texts } };
}
