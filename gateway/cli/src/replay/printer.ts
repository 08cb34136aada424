import { ApprovalState } from '@sallyport/proto/api/v1/approvals_pb';
import type {
  ApprovalNote,
  Copy,
  Failure,
  Gap,
  Notice,
  Refusal,
  Statement,
  TerminalExit,
  TranscriptEvent,
  Transfer,
} from '@sallyport/proto/api/v1/transcript_pb';
import { visible, visibleLines } from '../terminal/escape.ts';
import type { Style } from '../terminal/style.ts';
import { ResultTable } from './result-table.ts';
import { Screen } from './screen.ts';

/** Of one statement or message, so many characters are shown. */
const MAX_SHOWN_CHARS = 20_000;

/** A transcript as text, event by event, in bounded memory. */
export class TranscriptPrinter {
  readonly #width: number | undefined;
  readonly #style: Style;
  #table: ResultTable | undefined;
  readonly #screen: Screen;

  constructor(width: number | undefined, style: Style, isTerminal = false) {
    this.#screen = new Screen(isTerminal);
    this.#width = width;
    this.#style = style;
  }

  /** What is to be written for `event`; rows of a table may come with a later one. */
  print({ atUs, event }: TranscriptEvent): string {
    const { red, yellow, dim } = this.#style;
    if (event.case === 'row') return this.#table?.row(event.value.cells) ?? '';
    const before = this.#endTable();
    switch (event.case) {
      case 'columns':
        this.#table = new ResultTable(event.value.columns, this.#width, this.#style);
        return before;
      case 'complete':
        return `${before}${dim(visible(event.value.tag))}\n`;
      case 'statement':
        return `${before}\n${this.#statement(event.value, atUs)}`;
      case 'refused':
        return `${before}\n${this.#refusal(event.value, atUs)}`;
      case 'error':
        return before + red(diagnostic(event.value, 'ERROR'));
      case 'notice':
        return before + yellow(diagnostic(event.value, 'NOTICE'));
      case 'approval':
        return before + yellow(approval(event.value));
      case 'copy':
        return before + dim(copied(event.value)) + visibleLines(cut(event.value.data));
      case 'gap':
        return before + yellow(gap(event.value));
      case 'output':
        return before + this.#screen.output(event.value);
      case 'exit':
        return before + dim(exited(event.value));
      case 'transfer':
        return before + dim(transferred(event.value));
      case 'end':
        return `${before}${this.#screen.leave()}\n${dim(`${clock(atUs)}  session ended: ${visible(event.value.reason)}`)}\n`;
      default:
        return before;
    }
  }

  /** What is held back of a table, before a pause or at the end. */
  flush(): string {
    return this.#table?.flush() ?? '';
  }

  #endTable(): string {
    const rest = this.flush();
    this.#table = undefined;
    return rest;
  }

  #statement({ text, parameters, rule, verdict, masks }: Statement, atUs: bigint): string {
    const { bold, dim } = this.#style;
    const values = parameters.map(
      (each, at) => `$${at + 1} = ${each.text === undefined ? 'NULL' : `'${visible(cut(each.text))}'`}`,
    );
    const word = verdict === 'approve' ? 'approved by rule' : 'allowed by rule';
    const notes = [
      `${word} "${visible(rule)}"`,
      ...(masks.length === 0 ? [] : [`masked by ${masks.map(visible).join(', ')}`]),
    ];
    const lines = [
      `${dim(clock(atUs))}  ${bold(visibleLines(cut(text)))}`,
      ...values.map((each) => dim(`    ${each}`)),
      dim(`    ${notes.join('; ')}`),
    ];
    return lines.map((each) => `${each}\n`).join('');
  }

  #refusal({ text, rule, message, hint }: Refusal, atUs: bigint): string {
    const { bold, dim, red } = this.#style;
    const why = rule === '' ? visible(message) : `${visible(message)} (rule "${visible(rule)}")`;
    const lines = [
      `${dim(clock(atUs))}  ${bold(visibleLines(cut(text)))}`,
      red(`    refused: ${why}`),
      ...(hint === '' ? [] : [dim(`    ${visible(hint)}`)]),
    ];
    return lines.map((each) => `${each}\n`).join('');
  }
}

function diagnostic({ severity, code, message, detail, hint }: Failure | Notice, otherwise: string): string {
  const head = `${visible(severity === '' ? otherwise : severity)}:  ${visibleLines(cut(message))}${code === '' ? '' : ` (${visible(code)})`}`;
  const rest = [
    detail === '' ? '' : `DETAIL:  ${visibleLines(cut(detail))}`,
    hint === '' ? '' : `HINT:  ${visibleLines(cut(hint))}`,
  ];
  return [head, ...rest.filter((each) => each !== '')].map((each) => `${each}\n`).join('');
}

function approval({ id, state, rule, message, text }: ApprovalNote): string {
  const word = (ApprovalState[state] ?? 'unknown').toLowerCase();
  const what =
    word === 'pending' && text !== '' ? `: ${visible(cut(text))}` : message === '' ? '' : `: ${visible(message)}`;
  return `    approval ${visible(id)} (rule "${visible(rule)}") ${word}${what}\n`;
}

function copied({ inward, bytes }: Copy): string {
  return `    copy ${inward ? 'in' : 'out'}: ${sized(bytes)}\n`;
}

function gap({ reason, bytes }: Gap): string {
  return `    … ${visible(reason)}${bytes === 0n ? '' : ` (${sized(bytes)} not shown)`}\n`;
}

function exited({ code, signal }: TerminalExit): string {
  return `    exit ${signal === '' ? (code ?? 'without a status') : `by signal ${visible(signal)}`}\n`;
}

function transferred({ name, inward, bytes, sha256 }: Transfer): string {
  const whole = sha256 === '' ? 'not whole' : `SHA-256 ${visible(sha256)}`;
  return `    file ${inward ? 'in' : 'out'}: ${visible(cut(name))}, ${sized(bytes)}, ${whole}\n`;
}

function cut(text: string): string {
  if (text.length <= MAX_SHOWN_CHARS) return text;
  return `${text.slice(0, MAX_SHOWN_CHARS)}… (${text.length - MAX_SHOWN_CHARS} more characters)`;
}

function sized(bytes: bigint): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  let [size, at] = [Number(bytes), 0];
  for (; size >= 1000 && at < units.length - 1; at++) size /= 1000;
  return `${at === 0 ? size : size.toFixed(1)} ${units[at]}`;
}

/** `0:01:02.345` since the session began. */
export function clock(atUs: bigint): string {
  const ms = Number(atUs / 1000n);
  const two = (number: number): string => String(Math.floor(number)).padStart(2, '0');
  return `${Math.floor(ms / 3_600_000)}:${two((ms / 60_000) % 60)}:${two((ms / 1000) % 60)}.${String(ms % 1000).padStart(3, '0')}`;
}
