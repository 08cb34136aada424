import {
  decodeFields,
  decodeNotificationResponse,
  encodeFields,
  type Fields,
  notificationResponse,
} from '@sallyport/shared/wire/postgres/backend.ts';

/** Classes of SQLSTATE whose messages speak of names, syntax and the server, not of stored values. */
const plainClasses = new Set('00 03 08 0A 0L 0P 25 26 28 2D 34 3B 3D 3F 40 42 53 55 57 58'.split(' '));

/** Sentences of our own where the server's quotes a value. */
const sentences: Readonly<Record<string, (fields: Fields) => string>> = {
  '22001': ({ M = '' }) =>
    `value too long for ${/^value too long for (type [a-z ]{1,40}\(\d{1,10}\))$/.exec(M)?.[1] ?? 'its type'}`,
  '22003': () => 'value out of range for its type',
  '22004': () => 'null value not allowed',
  '22007': () => 'invalid date or time format',
  '22008': () => 'date or time field value out of range',
  '22012': () => 'division by zero',
  '22021': () => 'invalid byte sequence for the encoding',
  '22023': () => 'invalid parameter value',
  '22P02': ({ M = '' }) =>
    `invalid input syntax for ${/^invalid input syntax for (type [a-z0-9_ ]{1,40})(?:$|: ")/.exec(M)?.[1] ?? 'its type'}`,
  '22P03': () => 'incorrect binary data format',
  '23502': ({ c, t }) => `null value${ofColumn(c)}${ofRelation(t)} violates not-null constraint`,
  '23503': ({ n, t }) => `insert, update or delete${onTable(t)} violates foreign key constraint${named(n)}`,
  '23505': ({ n }) => `duplicate key value violates unique constraint${named(n)}`,
  '23514': ({ n, t }) => `new row${ofRelation(t)} violates check constraint${named(n)}`,
  '23P01': ({ n }) => `conflicting key value violates exclusion constraint${named(n)}`,
  '44000': () => 'new row violates check option for view',
};

const named = (name: string | undefined) => (name === undefined ? '' : ` "${name}"`);
const ofColumn = (name: string | undefined) => (name === undefined ? '' : ` in column "${name}"`);
const ofRelation = (name: string | undefined) => (name === undefined ? '' : ` of relation "${name}"`);
const onTable = (name: string | undefined) => (name === undefined ? '' : ` on table "${name}"`);

/** Severity, SQLSTATE, position in the client's own text. Where in the server's source it was raised may tell values apart. */
const always = new Set('SVCP');
/** Names of objects; a procedure that raises an error can write anything there. */
const names = new Set('stcdn');

/**
 * An ErrorResponse or NoticeResponse without what may quote a stored value: detail, hint, context and internal query
 * go; the message stays only where SQLSTATE and position say that it speaks of the client's own text.
 * @throws WireError
 */
export function redactDiagnostic(buffer: Buffer, start: number, end: number): Buffer {
  const fields = decodeFields(buffer, start, end);
  const isOurs = isServers(fields);
  const kept: Record<string, string> = {};
  for (const [letter, text] of Object.entries(fields)) {
    if (letter === 'M') kept['M'] = isOurs ? messageOf(fields) : hidden(fields);
    else if (always.has(letter) || (isOurs && names.has(letter))) kept[letter] = text;
  }
  return encodeFields(buffer[start]!, kept);
}

/** Whether a notice is of the server's own doings: how many of them come tells how large things are. */
export function isLog(buffer: Buffer, start: number, end: number): boolean {
  const { V: severity = '' } = decodeFields(buffer, start, end);
  return severity === 'LOG' || severity.startsWith('DEBUG');
}

function messageOf(fields: Fields): string {
  const { C: code = '', M: message = '' } = fields;
  if (Object.hasOwn(sentences, code)) return sentences[code]!(fields);
  if (!plainClasses.has(code.slice(0, 2))) return hidden(fields);
  // Found while parsing: it quotes the statement. Without a position it may quote a value ('x'::regclass).
  return fields['P'] === undefined ? withoutQuoted(message, fields) : message;
}

/** Quotation marks of the languages that the server speaks. */
const otherQuotes = /[«»„“”‘’‚‹›「」『』]/;

/** Hides what is quoted, from the first mark to the last as a value may hold some itself, and what follows a colon. */
function withoutQuoted(message: string, fields: Fields): string {
  return otherQuotes.test(message) ? hidden(fields) : message.replace(/".*"/s, '"…"').replace(/:.*/s, ': …');
}

const hidden = ({ C: code }: Fields): string => `message hidden by a mask (SQLSTATE ${code})`;

/** Sources of the procedural languages, whose RAISE puts any text under any SQLSTATE and any name. */
const procedural = /^pl(?:_|py|perl|tcl|v8|r|java|rust|lua|sh)|^dblink|_fdw/;

/** The server itself speaks, at a level that is not meant for its own log. */
function isServers({ F, R, V }: Fields): boolean {
  if (F === undefined || R === undefined || procedural.test(F) || R === 'exec_stmt_raise') return false;
  return V !== undefined && V !== 'LOG' && !V.startsWith('DEBUG');
}

/** A NotificationResponse without its payload, which anyone can fill with anything; the channel stays. */
export function redactNotification(buffer: Buffer, start: number, end: number): Buffer {
  const { processId, channel, payload } = decodeNotificationResponse(buffer, start, end);
  return payload === '' ? buffer.subarray(start, end) : notificationResponse(processId, channel, '');
}
