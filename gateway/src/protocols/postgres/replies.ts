import { WireError } from '@sallyport/shared/errors/errors.ts';
import { decodeFields, decodeParameterStatus, decodeReadyForQuery } from '@sallyport/shared/wire/postgres/backend.ts';
import { type CutterSink, MessageCutter } from '@sallyport/shared/wire/postgres/cutter.ts';
import { backendLimit } from '@sallyport/shared/wire/postgres/limits.ts';
import { Backend } from '@sallyport/shared/wire/postgres/types.ts';
import type { Prepared } from './lens.ts';
import type { Pipeline } from './pipeline.ts';
import { denialResponse } from './refusal.ts';

/** Settings on which the meaning of statements rests; the target reports when they change (54.2.7). */
const lexer: Readonly<Record<string, string>> = { client_encoding: 'UTF8', standard_conforming_strings: 'on' };

/** Replies that are read as a whole. Bytes. */
const MAX_REPLY_BYTES = 16 * 1024 * 1024;

/** Rows and copied data beyond this pass in parts. Bytes. */
const STREAM_ABOVE_BYTES = 64 * 1024;

/** Follows what the target answers and passes it on, as it came unless a refusal takes an error's place. */
export class ReplyReader implements CutterSink {
  readonly #pipeline: Pipeline<Prepared>;
  readonly #cutter = new MessageCutter({
    maxBufferedBytes: MAX_REPLY_BYTES,
    streamAboveBytes: STREAM_ABOVE_BYTES,
    limitOf: backendLimit,
  });
  #sink: (bytes: Buffer) => void = () => {};
  #run: Buffer | undefined;
  #withinMessage = false;

  constructor(pipeline: Pipeline<Prepared>) {
    this.#pipeline = pipeline;
  }

  /** A long message is on its way to the client: nothing may be put between its parts. */
  get withinMessage(): boolean {
    return this.#withinMessage;
  }

  read(chunk: Buffer, sink: (bytes: Buffer) => void): void {
    this.#sink = sink;
    this.#cutter.push(chunk, this);
    this.#endRun();
  }

  streams(type: number): boolean {
    return type === Backend.DataRow || type === Backend.CopyData;
  }

  part(_type: number, bytes: Buffer, _isFirst: boolean, isLast: boolean): void {
    this.#withinMessage = !isLast;
    this.#endRun();
    this.#sink(bytes);
  }

  message(type: number, buffer: Buffer, start: number, end: number): void {
    if (type !== Backend.DataRow && type !== Backend.CopyData && !this.#follow(type, buffer, start, end)) return;
    const run = this.#run;
    if (
      run !== undefined &&
      run.buffer === buffer.buffer &&
      run.byteOffset + run.length === buffer.byteOffset + start
    ) {
      this.#run = Buffer.from(run.buffer as ArrayBuffer, run.byteOffset, run.length + end - start);
      return;
    }
    this.#endRun();
    this.#run = buffer.subarray(start, end);
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
    this.#pipeline.copyInEnded();
    const expected = this.#pipeline.expected;
    if (expected === undefined) return true;
    const text = decodeFields(buffer, start, end)['M'] ?? '';
    if (!text.includes(expected.token)) return true;
    this.#endRun();
    this.#sink(denialResponse(expected.denial));
    return false;
  }

  #endRun(): void {
    const run = this.#run;
    this.#run = undefined;
    if (run !== undefined) this.#sink(run);
  }
}

/** @throws WireError when the target would from now on read text otherwise than we do. */
function requireLexer(buffer: Buffer, start: number, end: number): void {
  const { name, value } = decodeParameterStatus(buffer, start, end);
  const wanted = lexer[name];
  if (wanted === undefined || wanted === value) return;
  throw new WireError('ERR_WIRE_UNSUPPORTED', `${name} became ${value}; through the gateway it stays ${wanted}`);
}
