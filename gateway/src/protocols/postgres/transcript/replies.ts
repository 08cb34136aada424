import {
  decodeCommandComplete,
  decodeCopyResponse,
  decodeFields,
  decodeNotificationResponse,
  decodeParameterStatus,
  decodeRowDescription,
  walkDataRow,
} from '@sallyport/shared/wire/postgres/backend.ts';
import { type CutterSink, MessageCutter } from '@sallyport/shared/wire/postgres/cutter.ts';
import { backendLimit } from '@sallyport/shared/wire/postgres/limits.ts';
import { Backend } from '@sallyport/shared/wire/postgres/types.ts';
import type { AskedStatements } from './asked.ts';
import { cellText, typeName } from './cells.ts';
import { ColumnMemory, type Columns, withFormats } from './columns.ts';
import { CopySample } from './copy-sample.ts';
import type { Diagnostic, Occurrence, TranscriptLimits } from './events.ts';
import { LongRow } from './long-row.ts';

/** Whole messages; what is larger is read in parts where it may be. Bytes. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
const PARTS_ABOVE_BYTES = 256 * 1024;

/** Turns the bytes that a client got into what a person reads. */
export class ReplyReader implements CutterSink {
  readonly #limits: TranscriptLimits;
  readonly #asked: AskedStatements;
  readonly #isRefusal: (message: string) => boolean;
  readonly #emit: (occurrence: Occurrence) => void;
  readonly #memory = new ColumnMemory();
  readonly #cutter = new MessageCutter({
    maxBufferedBytes: MAX_MESSAGE_BYTES,
    streamAboveBytes: PARTS_ABOVE_BYTES,
    limitOf: backendLimit,
  });
  /** Of the result that comes now; undefined between results. */
  #columns: Columns | undefined;
  #suspendedColumns: Columns | undefined;
  #rows = 0;
  #copy: CopySample | undefined;
  #longRow: LongRow | undefined;
  /** The next description is of a prepared statement, not of what is run. */
  #ofStatement = false;

  constructor(
    limits: TranscriptLimits,
    asked: AskedStatements,
    isRefusal: (message: string) => boolean,
    emit: (occurrence: Occurrence) => void,
  ) {
    this.#limits = limits;
    this.#asked = asked;
    this.#isRefusal = isRefusal;
    this.#emit = emit;
  }

  /** @throws WireError on what is no PostgreSQL; nothing can be read behind it */
  read(bytes: Buffer): void {
    this.#cutter.push(bytes, this);
  }

  /** No more will come: what was counted so far is told. */
  end(): void {
    this.#endCopy();
    this.#endRows();
  }

  streams(type: number): boolean {
    return type === Backend.DataRow || type === Backend.CopyData;
  }

  part(type: number, bytes: Buffer, isFirst: boolean, isLast: boolean): void {
    if (type === Backend.CopyData) {
      this.#copy?.part(isFirst ? bytes.subarray(5) : bytes, isLast);
      return;
    }
    if (isFirst) this.#longRow = new LongRow(this.#limits.maxCellBytes + 1);
    this.#longRow?.push(bytes);
    if (isLast) this.#endLongRow();
  }

  message(type: number, buffer: Buffer, start: number, end: number): void {
    switch (type) {
      case Backend.DataRow:
        return this.#row(buffer, start, end);
      case Backend.CopyData:
        return this.#copy?.part(buffer.subarray(start + 5, end), true);
      case Backend.RowDescription:
        return this.#describe(buffer, start, end);
      case Backend.ParameterDescription:
        this.#ofStatement = true;
        return;
      case Backend.NoData:
        this.#ofStatement = false;
        return;
      case Backend.BindComplete:
        this.#columns = undefined;
        return this.#asked.bound();
      case Backend.CommandComplete:
        return this.#complete(decodeCommandComplete(buffer, start, end));
      case Backend.EmptyQueryResponse:
        return this.#complete('');
      case Backend.PortalSuspended:
        return this.#suspend();
      case Backend.FunctionCallResponse:
        return this.#asked.answered();
      case Backend.CopyInResponse:
      case Backend.CopyOutResponse:
        return this.#startCopy(buffer, start, end);
      case Backend.CopyDone:
        return this.#endCopy();
      case Backend.ErrorResponse:
        return this.#error(diagnosticOf(buffer, start, end));
      case Backend.NoticeResponse:
        return this.#emit({ type: 'notice', ...diagnosticOf(buffer, start, end) });
      case Backend.ReadyForQuery:
        this.#columns = undefined;
        return this.#asked.ready();
      default:
        return this.#aside(type, buffer, start, end);
    }
  }

  /** What may come at any time. The key that cancels statements is among what is passed over. */
  #aside(type: number, buffer: Buffer, start: number, end: number): void {
    if (type === Backend.ParameterStatus) {
      this.#emit({ type: 'setting', ...decodeParameterStatus(buffer, start, end) });
    } else if (type === Backend.NotificationResponse) {
      const { channel, payload } = decodeNotificationResponse(buffer, start, end);
      this.#emit({ type: 'notification', channel, payload });
    }
  }

  #describe(buffer: Buffer, start: number, end: number): void {
    const fields = decodeRowDescription(buffer, start, end);
    const ofStatement = this.#ofStatement;
    this.#ofStatement = false;
    if (ofStatement) return this.#memory.describedStatement(fields);
    this.#asked.answered();
    this.#begin(this.#memory.described(this.#asked.current?.text, fields));
  }

  #begin(columns: Columns): void {
    this.#columns = columns;
    this.#emit({
      type: 'columns',
      names: columns.columns.map(({ name }) => name),
      typeOids: columns.columns.map(({ typeOid }) => typeOid),
      types: columns.columns.map(({ typeOid }) => typeName(typeOid)),
      formats: columns.columns.map(({ format }) => format),
      guessed: columns.guessed,
    });
  }

  #row(buffer: Buffer, start: number, end: number): void {
    if (this.#columns !== undefined && this.#rows >= this.#limits.maxRows) {
      this.#rows++;
      return;
    }
    this.#beginUndescribed(buffer.readUInt16BE(start + 5));
    const { maxCellBytes } = this.#limits;
    const cells: (string | null)[] = [];
    walkDataRow(buffer, start, end, (i, from, to) => {
      if (to === -1) return cells.push(null);
      const kind = this.#columns?.columns[i] ?? unknownColumn;
      // One byte more than is shown, so that a cut is seen.
      const shown = buffer.subarray(from, Math.min(to, from + maxCellBytes + 1));
      cells.push(cellText(kind, shown, to - from, maxCellBytes));
    });
    this.#show(cells);
  }

  #endLongRow(): void {
    const { cells } = this.#longRow!;
    this.#longRow = undefined;
    this.#beginUndescribed(cells.length);
    const { maxCellBytes } = this.#limits;
    const shown = cells.map((cell, i) => {
      const kind = this.#columns?.columns[i] ?? unknownColumn;
      return cell === null ? null : cellText(kind, cell.bytes, cell.lengthBytes, maxCellBytes);
    });
    this.#show(shown);
  }

  #show(cells: (string | null)[]): void {
    this.#rows++;
    if (this.#rows <= this.#limits.maxRows) this.#emit({ type: 'row', cells });
  }

  #beginUndescribed(count: number): void {
    if (this.#columns !== undefined) return;
    this.#asked.continued();
    const { text, resultFormats } = this.#asked.current ?? {};
    const suspended = this.#suspendedColumns;
    const columns = suspended?.columns.length === count ? suspended : this.#memory.recall(text, count);
    this.#begin(withFormats(columns, resultFormats));
  }

  #complete(tag: string): void {
    this.#asked.answered();
    this.#endCopy();
    this.#endRows();
    this.#emit({ type: 'complete', tag });
    this.#asked.completed();
  }

  #suspend(): void {
    this.#asked.suspended();
    this.#suspendedColumns = this.#columns;
    this.#endRows();
    this.#emit({ type: 'suspended' });
  }

  #error(diagnostic: Diagnostic): void {
    this.#asked.failed(this.#isRefusal(diagnostic.message));
    this.#ofStatement = false;
    this.#endCopy();
    this.#endRows();
    this.#emit({ type: 'error', ...diagnostic });
  }

  #endRows(): void {
    const omitted = this.#rows - this.#limits.maxRows;
    if (omitted > 0) this.#emit({ type: 'omitted', rows: omitted });
    this.#rows = 0;
    this.#columns = undefined;
  }

  #startCopy(buffer: Buffer, start: number, end: number): void {
    this.#asked.answered();
    this.#endCopy();
    const { kind, format } = decodeCopyResponse(buffer, start, end);
    this.#copy = new CopySample(kind === 'in' ? 'in' : 'out', format === 1, this.#limits);
  }

  #endCopy(): void {
    if (this.#copy !== undefined) this.#emit(this.#copy.occurrence);
    this.#copy = undefined;
  }
}

const unknownColumn = { typeOid: 0, format: undefined } as const;

function diagnosticOf(buffer: Buffer, start: number, end: number): Diagnostic {
  const { S, V, C = '', M = '', D, H } = decodeFields(buffer, start, end);
  const optional = { ...(D === undefined ? {} : { detail: D }), ...(H === undefined ? {} : { hint: H }) };
  return { severity: V ?? S ?? '', code: C, message: M, ...optional };
}
