import { WireError } from '@sallyport/shared/errors/errors.ts';
import { decodeFields, decodeParameterStatus, decodeReadyForQuery } from '@sallyport/shared/wire/postgres/backend.ts';
import { type CutterSink, MessageCutter } from '@sallyport/shared/wire/postgres/cutter.ts';
import { backendLimit } from '@sallyport/shared/wire/postgres/limits.ts';
import { Backend } from '@sallyport/shared/wire/postgres/types.ts';
import type { VeiledAnswers } from './answers.ts';
import type { Prepared } from './lens.ts';
import { Output } from './masking/output.ts';
import type { Pipeline } from './pipeline.ts';
import { denialResponse } from './refusal.ts';
import type { RowCap } from './row-cap.ts';

/** Settings on which the meaning of statements rests; the target reports when they change (54.2.7). */
const lexer: Readonly<Record<string, string>> = { client_encoding: 'UTF8', standard_conforming_strings: 'on' };

/** Replies that are read as a whole. Bytes. */
const MAX_REPLY_BYTES = 16 * 1024 * 1024;

/** Rows and copied data beyond this pass in parts. Bytes. */
const STREAM_ABOVE_BYTES = 64 * 1024;

/** Follows what the target answers and passes it on, as it came unless a refusal takes an error's place. */
export class ReplyReader implements CutterSink {
  readonly #pipeline: Pipeline<Prepared>;
  /** Reads results where masks concern the session. */
  readonly #answers: VeiledAnswers | undefined;
  readonly #cutter = new MessageCutter({
    maxBufferedBytes: MAX_REPLY_BYTES,
    streamAboveBytes: STREAM_ABOVE_BYTES,
    limitOf: backendLimit,
  });
  readonly #rows: RowCap;
  readonly #out = new Output();
  /** Takes what the client does not get. */
  readonly #nowhere = new Output();
  #withinMessage = false;

  constructor(pipeline: Pipeline<Prepared>, answers: VeiledAnswers | undefined, rows: RowCap) {
    this.#pipeline = pipeline;
    this.#rows = rows;
    this.#answers = answers;
  }

  /** A long message is on its way to the client: nothing may be put between its parts. */
  get withinMessage(): boolean {
    return this.#withinMessage;
  }

  read(chunk: Buffer, sink: (bytes: Buffer) => void): void {
    this.#out.to(sink);
    this.#cutter.push(chunk, this);
    this.#out.flush();
  }

  streams(type: number): boolean {
    if (type !== Backend.DataRow && type !== Backend.CopyData) return false;
    return !this.#rows.counts && (this.#answers === undefined || this.#answers.harmless);
  }

  part(_type: number, bytes: Buffer, _isFirst: boolean, isLast: boolean): void {
    this.#withinMessage = !isLast;
    this.#out.pass(bytes, 0, bytes.length);
  }

  message(type: number, buffer: Buffer, start: number, end: number): void {
    const isData = type === Backend.DataRow || type === Backend.CopyData;
    if (!isData && !this.#follow(type, buffer, start, end)) return;
    if (this.#rows.counts && !this.#capped(type, buffer, start, end)) return;
    if (this.#answers === undefined) this.#out.pass(buffer, start, end);
    else this.#answers.message(type, buffer, start, end, this.#out);
  }

  /** False where the message is not for the client: rows past a limit, and what comes behind their error. */
  #capped(type: number, buffer: Buffer, start: number, end: number): boolean {
    const outcome = this.#rows.message(type);
    if (outcome === 'pass') return true;
    this.#answers?.message(type, buffer, start, end, this.#nowhere);
    this.#nowhere.flush();
    if (outcome !== 'drop') {
      const told = denialResponse(outcome);
      this.#out.pass(told, 0, told.length);
    }
    return false;
  }

  /** False where the message was replaced. */
  #follow(type: number, buffer: Buffer, start: number, end: number): boolean {
    switch (type) {
      case Backend.ParseComplete:
        this.#pipeline.completed('parse');
        return true;
      case Backend.BindComplete:
        this.#pipeline.completed('bind');
        return true;
      case Backend.CloseComplete:
        this.#pipeline.completed('close');
        return true;
      case Backend.CopyInResponse:
        this.#pipeline.copyInStarted();
        return true;
      case Backend.ReadyForQuery:
        this.#ready(buffer, start, end);
        return true;
      case Backend.ParameterStatus:
        requireLexer(buffer, start, end);
        return true;
      case Backend.ErrorResponse:
        return this.#error(buffer, start, end);
      case Backend.Authentication:
      case Backend.BackendKeyData:
      case Backend.CopyBothResponse:
      case Backend.NegotiateProtocolVersion:
        throw new WireError('ERR_WIRE_UNEXPECTED', `the target sent message 0x${type.toString(16)} within a session`);
      default:
        return true;
    }
  }

  #ready(buffer: Buffer, start: number, end: number): void {
    this.#pipeline.ready(decodeReadyForQuery(buffer, start, end));
  }

  #error(buffer: Buffer, start: number, end: number): boolean {
    this.#pipeline.failed();
    const expected = this.#pipeline.expected;
    if (expected === undefined) return true;
    const text = decodeFields(buffer, start, end)['M'] ?? '';
    if (!text.includes(expected.token)) return true;
    const told = denialResponse(expected.denial);
    this.#out.pass(told, 0, told.length);
    return false;
  }
}

/** @throws WireError when the target would from now on read text otherwise than we do. */
function requireLexer(buffer: Buffer, start: number, end: number): void {
  const { name, value } = decodeParameterStatus(buffer, start, end);
  const wanted = lexer[name];
  if (wanted === undefined || wanted === value) return;
  throw new WireError('ERR_WIRE_UNSUPPORTED', `${name} became ${value}; through the gateway it stays ${wanted}`);
}
