import { Kind } from './terminal-text.ts';

/** One way to read what a terminal is sent: a text, and where each of its bytes stands. */
export interface View {
  readonly text: Buffer;
  /** Absent where the text is the bytes themselves. */
  readonly map?: Uint32Array;
  /** What a find here consists of. */
  readonly kind: number;
}

const BREAK = 0x0a;

/**
 * The ways to read `bytes`, of which `kinds` says what each is. Where the cursor moves, nobody but the terminal knows what
 * stands beside what: so words are looked for as if it had not moved, as if all of it parted words, and with backspaces obeyed.
 */
export function viewsOf(bytes: Buffer, kinds: Uint8Array, seen: number): readonly View[] {
  if (seen === 0) return [{ text: bytes, kind: Kind.text }];
  const views = [view(bytes, kinds, Kind.text, 0, false)];
  if ((seen & (Kind.move | Kind.back)) !== 0) views.push(view(bytes, kinds, Kind.text, Kind.move | Kind.back, false));
  if ((seen & Kind.back) !== 0) views.push(view(bytes, kinds, Kind.text, 0, true));
  if ((seen & Kind.string) !== 0) views.push(view(bytes, kinds, Kind.string, ~Kind.string, false));
  return views;
}

/** Bytes of `kind` only; those of `breaks` become line ends, the others nothing. */
function view(bytes: Buffer, kinds: Uint8Array, kind: number, breaks: number, erases: boolean): View {
  const text = Buffer.allocUnsafe(bytes.length);
  const map = new Uint32Array(bytes.length);
  let length = 0;
  for (let at = 0; at < bytes.length; at++) {
    const each = kinds[at]!;
    if (each === kind) text[length] = bytes[at]!;
    else if (erases && each === Kind.back) {
      while (length > 0 && (text[length - 1]! & 0xc0) === 0x80) length--;
      if (length > 0) length--;
      continue;
    } else if ((each & breaks) !== 0 || (kind === Kind.string && each === Kind.text)) {
      if (length > 0 && text[length - 1] === BREAK) continue;
      text[length] = BREAK;
    } else continue;
    map[length++] = at;
  }
  return { text: text.subarray(0, length), map, kind };
}
