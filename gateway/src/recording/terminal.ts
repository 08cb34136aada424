import type { Exit, Transfer } from '../protocols/protocol.ts';
import type { EntryKind } from './format.ts';

/** Of the forms below: a reader that does not know a version says so and shows nothing of it. */
const VERSION = 1;

/** Of a `reply`: one byte that says which stream it came on, then the bytes that the client got. */
const OUTPUT = 0x01;
const ERROR = 0x02;
const HEAD_BYTES = 1;

/** What happened on a channel. */
export type TerminalEvent =
  | { readonly type: 'output' | 'error'; readonly bytes: Buffer }
  | { readonly type: 'input'; readonly text: string }
  | { readonly type: 'resize'; readonly columns: number; readonly rows: number }
  | ({ readonly type: 'exit' } & Exit)
  | ({ readonly type: 'transfer' } & Transfer)
  | { readonly type: 'unreadable'; readonly reason: string };

/** All events but those with bytes are notes. */
export type TerminalNote = Exclude<TerminalEvent, { type: 'output' | 'error' | 'unreadable' }>;

/** Channels of one session are told apart by their number. */
export function noteEntry(channel: number, note: TerminalNote): string {
  return JSON.stringify({ ...note, type: `terminal.${note.type}`, version: VERSION, channel });
}

/** The payload of a `reply`. */
export function outputEntry(channel: number, isError: boolean, bytes: Uint8Array): Buffer {
  const entry = Buffer.allocUnsafe(HEAD_BYTES + 4 + bytes.length);
  entry[0] = isError ? ERROR : OUTPUT;
  entry.writeUInt32BE(channel, HEAD_BYTES);
  entry.set(bytes, HEAD_BYTES + 4);
  return entry;
}

/** What an entry of a terminal's recording says; undefined for what others noted. Never throws. */
export function terminalEvent(
  kind: EntryKind,
  payload: Buffer,
): { readonly channel: number; readonly event: TerminalEvent } | undefined {
  if (kind === 'reply') return outputOf(payload);
  if (kind !== 'note') return undefined;
  const note = parsed(payload);
  if (note === undefined || typeof note.type !== 'string' || !note.type.startsWith('terminal.')) return undefined;
  const channel = Number.isInteger(note.channel) ? Number(note.channel) : 0;
  if (note.version !== VERSION) return { channel, event: unreadable('it was written by a later version') };
  return { channel, event: noteOf(note.type.slice('terminal.'.length), note) ?? unreadable('a note is not whole') };
}

function outputOf(payload: Buffer) {
  if (payload.length < HEAD_BYTES + 4 || (payload[0] !== OUTPUT && payload[0] !== ERROR)) {
    return { channel: 0, event: unreadable('output of a form that is not known here') };
  }
  const type = payload[0] === ERROR ? ('error' as const) : ('output' as const);
  return { channel: payload.readUInt32BE(HEAD_BYTES), event: { type, bytes: payload.subarray(HEAD_BYTES + 4) } };
}

type Fields = Readonly<Record<string, unknown>>;

function noteOf(type: string, fields: Fields): TerminalEvent | undefined {
  switch (type) {
    case 'input':
      return typeof fields.text === 'string' ? { type, text: fields.text } : undefined;
    case 'resize':
      return isCount(fields.columns) && isCount(fields.rows)
        ? { type, columns: fields.columns, rows: fields.rows }
        : undefined;
    case 'exit':
      return {
        type,
        ...(isCount(fields.code) ? { code: fields.code } : {}),
        ...(typeof fields.signal === 'string' ? { signal: fields.signal } : {}),
      };
    case 'transfer':
      return transferOf(fields);
    default:
      return undefined;
  }
}

function transferOf({ name, direction, bytes, sha256, copy }: Fields): TerminalEvent | undefined {
  if (typeof name !== 'string' || typeof sha256 !== 'string' || !isCount(bytes)) return undefined;
  if (direction !== 'in' && direction !== 'out') return undefined;
  return { type: 'transfer', name, direction, bytes, sha256, ...(typeof copy === 'string' ? { copy } : {}) };
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

const unreadable = (reason: string): TerminalEvent => ({ type: 'unreadable', reason });

function parsed(payload: Buffer): Fields | undefined {
  try {
    const value: unknown = JSON.parse(payload.toString());
    return typeof value === 'object' && value !== null ? (value as Fields) : undefined;
  } catch {
    return undefined;
  }
}
