import { WireError } from '@sallyport/shared/errors/errors.ts';
import {
  decodeCopyResponse,
  decodeRowDescription,
  type FieldDescription,
} from '@sallyport/shared/wire/postgres/backend.ts';
import { Backend, type Format } from '@sallyport/shared/wire/postgres/types.ts';
import type { Veil } from '../protocol.ts';
import type { ResultPlan } from './exposure.ts';
import type { Prepared } from './lens.ts';
import type { Catalogue } from './lineage/catalogue.ts';
import { CopyMasker } from './masking/copy.ts';
import { anonymous } from './masking/description.ts';
import { isLog, redactDiagnostic, redactNotification } from './masking/diagnostics.ts';
import { hiddenFunctionResult } from './masking/function-result.ts';
import type { Output } from './masking/output.ts';
import { mayReport } from './masking/parameter-status.ts';
import { type Owner, planColumns } from './masking/plan.ts';
import { RowMasker } from './masking/rows.ts';
import type { Pipeline } from './pipeline.ts';

/** What replies are shown by. */
export interface Veiling {
  readonly veil: Veil;
  /** As of now; it is renewed when definitions change. */
  readonly catalogue: Catalogue;
}

/** Applies a veil to what the target answers: each row by the plan of the statement that it answers. */
export class VeiledAnswers {
  readonly #pipeline: Pipeline<Prepared>;
  readonly #veiling: Veiling;
  /** For the rows that come now; undefined until the first of them. */
  #rows: RowMasker | undefined;
  /** The rows that come now were described, and as many columns as were planned. */
  #checked = false;
  #copying = false;
  #copy: CopyMasker | undefined;

  constructor(pipeline: Pipeline<Prepared>, veiling: Veiling) {
    this.#pipeline = pipeline;
    this.#veiling = veiling;
  }

  /** Rows and copied data that come now pass as they are, so that they may pass in parts. */
  get harmless(): boolean {
    return this.#copying ? this.#copy === undefined : this.#masker().isIdle && this.#checked;
  }

  /** Writes what the client may see of a message. @throws WireError where that cannot be told. */
  message(type: number, buffer: Buffer, start: number, end: number, out: Output): void {
    switch (type) {
      case Backend.DataRow:
        if (!this.#masker().rewrite(buffer, start, end, out)) out.pass(buffer, start, end);
        return;
      case Backend.RowDescription:
        if (this.#described(decodeRowDescription(buffer, start, end))) break;
        return put(anonymous(buffer, start, end), out);
      case Backend.NoData:
        this.#described(undefined);
        break;
      case Backend.CommandComplete:
      case Backend.EmptyQueryResponse:
      case Backend.PortalSuspended:
        this.#completed();
        break;
      case Backend.NoticeResponse:
        if (isLog(buffer, start, end)) return;
        return put(redactDiagnostic(buffer, start, end), out);
      case Backend.ErrorResponse:
        return put(redactDiagnostic(buffer, start, end), out);
      case Backend.NotificationResponse:
        return put(redactNotification(buffer, start, end), out);
      case Backend.ParameterStatus:
        if (!mayReport(buffer, start, end)) return;
        break;
      case Backend.FunctionCallResponse:
        return put(hiddenFunctionResult(), out);
      case Backend.CopyOutResponse:
        this.#copy = this.#copyMasker(buffer, start, end);
        this.#copying = true;
        break;
      case Backend.CopyData:
        if (this.#copy === undefined) break;
        return this.#copy.message(buffer, start, end, out);
      case Backend.CopyDone:
        this.#copy?.finish();
        this.#forget();
        break;
      case Backend.ReadyForQuery:
        this.#forget();
        break;
      default:
        break;
    }
    out.pass(buffer, start, end);
  }

  /** False where nobody knows the statement: even the columns' names may be values then. */
  #described(fields: readonly FieldDescription[] | undefined): boolean {
    const due = this.#pipeline.due;
    const plan = due?.of?.known?.results?.[due.what === 'query' ? due.statement : 0];
    if (due?.what === 'describe') {
      if (due.of !== undefined && fields !== undefined) due.of.described = fields;
      this.#pipeline.answered();
    } else if (fields !== undefined) {
      // Of a Query: its rows follow.
      this.#rows = this.#maskerOf(plan, fields, []);
    }
    return plan?.columns !== undefined || !this.#veiling.veil.protects;
  }

  #forget(): void {
    this.#rows = undefined;
    this.#checked = false;
    this.#copy = undefined;
    this.#copying = false;
  }

  #completed(): void {
    this.#forget();
    const due = this.#pipeline.due;
    if (due === undefined) return;
    if (due.what === 'query') due.statement += 1;
    else this.#pipeline.answered();
  }

  #masker(): RowMasker {
    this.#rows ??= this.#executed();
    return this.#rows;
  }

  /** The rows of an Execute: described before, or never. */
  #executed(): RowMasker {
    const due = this.#pipeline.due;
    const portal = due?.what === 'execute' ? due.of : undefined;
    if (portal === undefined) return this.#maskerOf(undefined, undefined, []);
    const described = portal.described ?? portal.statement?.described;
    portal.shown ??= this.#maskerOf(portal.known?.results?.[0], described, portal.formats);
    this.#checked = described !== undefined;
    return portal.shown;
  }

  #maskerOf(
    plan: ResultPlan | undefined,
    fields: readonly FieldDescription[] | undefined,
    formats: readonly Format[],
  ): RowMasker {
    const { veil, catalogue } = this.#veiling;
    const format = (i: number): Format => (formats.length === 1 ? formats[0] : formats[i]) ?? 0;
    this.#checked = fields !== undefined;
    if (fields === undefined) {
      const arriving = plan?.columns?.map((_, i) => ({ typeOid: plan.types[i], format: format(i) })) ?? [];
      return new RowMasker(plan?.columns, arriving, veil, catalogue.textTypes);
    }
    const columns = planColumns(
      fields,
      plan?.columns,
      veil,
      plan?.trustsPlan === true ? this.#knownOwner : this.#owner,
    );
    const arriving = fields.map(({ typeOid, format: own }, i) => ({
      typeOid,
      format: formats.length === 0 ? own : format(i),
    }));
    return new RowMasker(columns, arriving, veil, catalogue.textTypes);
  }

  readonly #owner: Owner = ({ tableOid, columnNumber }) => {
    if (tableOid === 0) return undefined;
    return this.#veiling.catalogue.pathOf(tableOid, columnNumber) ?? 'unknown';
  };

  readonly #knownOwner: Owner = (field) => {
    const owner = this.#owner(field);
    return owner === 'unknown' ? undefined : owner;
  };

  #copyMasker(buffer: Buffer, start: number, end: number): CopyMasker | undefined {
    const due = this.#pipeline.due;
    const plan = due?.of?.known?.results?.[due.what === 'query' ? due.statement : 0];
    const { veil, catalogue } = this.#veiling;
    const { format, columnFormats } = decodeCopyResponse(buffer, start, end);
    if (plan?.copy === undefined || (format === 1) !== (plan.copy.format === 'binary')) {
      throw new WireError('ERR_WIRE_UNEXPECTED', 'the target copies out what nobody asked it for');
    }
    const columns = plan.columns?.length === columnFormats.length ? plan.columns : undefined;
    if (columns !== undefined && plan.harmless) return undefined;
    return new CopyMasker(columns, plan.types, plan.copy, veil, catalogue.textTypes);
  }
}

function put(bytes: Buffer, out: Output): void {
  out.pass(bytes, 0, bytes.length);
}
