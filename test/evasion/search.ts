import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { others, type Secret, secrets } from './worlds.ts';

/** A protected value in one of the forms that it could be sent in. */
interface Form {
  readonly name: string;
  readonly bytes: Buffer;
}

const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};

/** The part of a text's base64 that is the same whatever stands around it, for each of three alignments. */
function base64Forms(text: string): string[] {
  return [0, 1, 2].map((shift) => {
    const encoded = Buffer.from('\0'.repeat(shift) + text).toString('base64');
    return encoded.slice(shift === 0 ? 0 : 4, -4);
  });
}

/** As text, in capitals, hex, base64, reversed, and as the numbers of its characters. */
function textForms(name: string, text: string): Form[] {
  const hex = Buffer.from(text).toString('hex');
  const forms = [text, text.toUpperCase(), hex, hex.toUpperCase(), [...text].reverse().join(''), ...base64Forms(text)];
  return [...new Set(forms)]
    .filter((form) => form.length >= 6)
    .map((form) => ({ name: `${name} as ${form}`, bytes: Buffer.from(form) }));
}

const dayMs = 86_400_000;
const epochMs = Date.UTC(2000, 0, 1);

/** PostgreSQL's binary form of a number or a moment; none for what is text in binary too. */
function binaryOf(type: string, literal: string): Buffer | undefined {
  const bare = literal.replaceAll("'", '');
  const bytes = Buffer.alloc(8);
  if (type === 'int') return int32(Number(bare));
  if (type === 'date') return int32((Date.parse(`${bare}T00:00:00Z`) - epochMs) / dayMs);
  if (type === 'uuid') return Buffer.from(bare.replaceAll('-', ''), 'hex');
  if (type === 'bigint') bytes.writeBigInt64BE(BigInt(bare));
  else if (type === 'float8') bytes.writeDoubleBE(Number(bare));
  else if (type === 'timestamptz')
    bytes.writeBigInt64BE(BigInt(Date.parse(bare.replace(' ', 'T').replace('+00', 'Z')) - epochMs) * 1000n);
  else if (type.startsWith('numeric')) return numericDigits(bare);
  else return undefined;
  return bytes;
}

/** Groups of four decimal digits, two bytes each. */
function numericDigits(text: string): Buffer {
  const [whole = '', part = ''] = text.replace('-', '').split('.');
  const digits = whole.padStart(Math.ceil(whole.length / 4) * 4, '0') + part;
  return Buffer.concat((digits.match(/\d{4}/g) ?? []).map((group) => int32(Number(group)).subarray(2)));
}

/** What of a literal is nobody else's: words with a bird in them, and numbers of six digits and more. */
function wordsOf(type: string, literal: string): string[] {
  const bare = literal.replaceAll("'", '');
  const moment = /^\d{4}-\d\d-\d\d/.exec(bare)?.[0];
  if (type === 'inet') return [bare];
  if (moment !== undefined) return [moment];
  return (
    bare.match(
      /[\w.@-]*(?:kestrel|osprey|wigeon|buzzard|avocet)[\w.@-]*|[0-9a-f]{8}-[0-9a-f-]{27}|\d+\.\d{3,}|\d{6,}/g,
    ) ?? [bare]
  );
}

/** The labels of the enum stand in the catalogue, for all to read: a value of it is told apart by the two worlds only. */
const searched = secrets.filter(({ type }) => type !== 'mood');

function formsOf({ column, type, east, west }: Secret): Form[] {
  return [...new Set([...east, ...west])].flatMap((literal) => {
    const binary = binaryOf(type, literal);
    const texts = wordsOf(type, literal).flatMap((word) => textForms(column, word));
    return binary === undefined ? texts : [...texts, { name: `${column} ${literal} in binary`, bytes: binary }];
  });
}

const forms: readonly Form[] = [
  ...searched.flatMap(formsOf),
  ...Object.entries(others)
    .filter(([name]) => name !== 'ledger')
    .flatMap(([name, texts]) => [...new Set<string>(texts)].flatMap((text) => textForms(name, text))),
];

/** What a value taken to pieces is put together to again; shorter ones would be found by chance. */
const whole: readonly Form[] = forms.filter(
  ({ bytes }) => bytes.length >= 12 && /^[\w.@-]+$/.test(bytes.toString('latin1')),
);

/** Protected values that bytes hold, in every form, with the form's name; but not what was `said` to begin with. */
export function search(bytes: Buffer, said: Buffer = nothing): string[] {
  return forms.filter((form) => bytes.includes(form.bytes) && !said.includes(form.bytes)).map(({ name }) => name);
}

const nothing = Buffer.alloc(0);

/** As `search`, and put together from the cells of rows, in both directions, and from cells that are character codes. */
export function searchReplies(bytes: Buffer, said: Buffer = nothing): string[] {
  const cells = cellsOf(bytes);
  const codes = cells.map((cell) => (/^\d{2,3}$/.test(cell) ? String.fromCharCode(Number(cell)) : cell));
  const joined = [cells, cells.toReversed(), codes, codes.toReversed()].map((parts) =>
    Buffer.from(parts.join(''), 'latin1'),
  );
  const pieces = whole.filter(({ bytes: form }) => joined.some((text) => text.includes(form)) && !said.includes(form));
  return [...search(bytes, said), ...pieces.map(({ name }) => `${name} in pieces`)];
}

/** The cells of all DataRows, and all CopyData, of a stream of messages. */
function cellsOf(bytes: Buffer): string[] {
  const cells: string[] = [];
  for (let at = 0; at + 5 <= bytes.length; ) {
    const end = at + 1 + bytes.readUInt32BE(at + 1);
    if (end > bytes.length) break;
    const type = bytes[at];
    if (type === 0x64) cells.push(bytes.toString('latin1', at + 5, end));
    if (type === 0x44) {
      for (let cell = at + 7; cell + 4 <= end; ) {
        const lengthBytes = bytes.readInt32BE(cell);
        cell += 4;
        if (lengthBytes < 0) continue;
        cells.push(bytes.toString('latin1', cell, cell + lengthBytes));
        cell += lengthBytes;
      }
    }
    at = end;
  }
  return cells;
}

/** Protected values in the files below a folder, with the file's name. */
export function searchBelow(folder: string, said: Buffer = nothing): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) => {
    if (!entry.isFile()) return [];
    const file = join(entry.parentPath, entry.name);
    return searchWritten(contentOf(file), said).map((what) => `${entry.name}: ${what}`);
  });
}

/** In megabytes of anything four bytes are found by chance. */
const MIN_WRITTEN_BYTES = 6;
const written = forms.filter(({ bytes }) => bytes.length >= MIN_WRITTEN_BYTES);

/** As `search`, for what is large and of no known form. */
export function searchWritten(bytes: Buffer, said: Buffer): string[] {
  return written.filter((form) => bytes.includes(form.bytes) && !said.includes(form.bytes)).map(({ name }) => name);
}

/** A file that was renamed meanwhile is found under its new name. */
function contentOf(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return nothing;
    throw error;
  }
}

/** How many forms are searched for. */
export const formCount = forms.length;
