/** What a byte of terminal output is for whoever reads the text. */
export const Kind = {
  /** Part of the text. */
  text: 0,
  /** Shows nothing and moves nothing: colours, modes, bells. */
  silent: 1,
  /** Moves the cursor: what stands before and behind may be one word on the screen, or two. */
  move: 2,
  /** Backspace. */
  back: 4,
  /** Within OSC, DCS, APC, PM or SOS: a text of its own (titles, the clipboard). */
  string: 8,
} as const;

const ESC = 0x1b;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const MOVING = new Set([...'@ABCDEFGHIJLMPSTXZ`adefsu'].map((final) => final.charCodeAt(0)));

type State = 'ground' | 'escape' | 'charset' | 'csi' | 'string' | 'string-escape' | 'c2' | 'string-c2';

/** Tells text from control sequences (ECMA-48, xterm) across chunk boundaries, and follows the cursor's column. */
export class TerminalText {
  #state: State = 'ground';
  #column = 0;
  #wraps = false;
  #endedInReturn = false;
  #columns: number;
  readonly #isTerminal: boolean;

  constructor(isTerminal: boolean, columns = 0) {
    this.#isTerminal = isTerminal;
    this.#columns = columns;
  }

  /** Of the terminal: where a line end is no end of a line. */
  resize(columns: number): void {
    this.#columns = columns;
  }

  /** Writes the kinds of `bytes[from, end)` into `kinds`; bytes before are known. Returns all kinds that were seen, as bits. */
  classify(bytes: Uint8Array, kinds: Uint8Array, from: number): number {
    let seen = 0;
    if (this.#endedInReturn && bytes[from] === LF && from > 0) kinds[from - 1] = Kind.text;
    this.#endedInReturn = false;
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at]!;
      if (this.#state === 'ground' && byte >= SPACE && byte < 0x7f) {
        const end = endOfPrintable(bytes, at);
        seen |= this.#printable(bytes, kinds, at, end);
        at = end - 1;
        continue;
      }
      const kind = this.#state === 'ground' ? this.#ground(byte, bytes, at) : this.#within(byte, kinds, at);
      kinds[at] = kind;
      seen |= kind;
      if (kind !== Kind.text && at > 0) seen |= kinds[at - 1]!;
    }
    return seen;
  }

  /** readline writes a space to get past the right margin. */
  #printable(bytes: Uint8Array, kinds: Uint8Array, from: number, to: number): number {
    const [columns, column] = [this.#columns, this.#column];
    this.#column += to - from;
    if (columns === 0) return 0;
    let seen = 0;
    const first = column === 0 ? columns : (columns - (column % columns)) % columns;
    for (let at = from + first; at < to; at += columns) if (bytes[at] === SPACE) seen |= kinds[at] = Kind.move;
    return seen;
  }

  #ground(byte: number, bytes: Uint8Array, at: number): number {
    if (byte >= 0x80) {
      if (byte >= 0xc0) this.#column++;
      if (byte === 0xc2) this.#state = 'c2';
      return Kind.text;
    }
    switch (byte) {
      case ESC:
        this.#state = 'escape';
        return Kind.silent;
      case LF: {
        const wraps = this.#wraps;
        this.#wraps = false;
        if (!wraps && !this.#isTerminal) this.#column = 0;
        return wraps ? Kind.move : Kind.text;
      }
      case CR:
        return this.#return(bytes, at);
      case 0x09:
        this.#column += 8 - (this.#column % 8);
        return Kind.text;
      case 0x08:
        if (this.#column > 0) this.#column--;
        return Kind.back;
      case 0x0b:
      case 0x0c:
        return Kind.move;
      default:
        return Kind.silent;
    }
  }

  get #isAtMargin(): boolean {
    return this.#columns > 0 && this.#column > 0 && this.#column % this.#columns === 0;
  }

  /** A return at the right margin goes on with the same line; one before a line feed is the line's end. */
  #return(bytes: Uint8Array, at: number): number {
    this.#wraps = this.#isAtMargin;
    this.#column = 0;
    if (this.#wraps) return Kind.move;
    this.#endedInReturn = at + 1 >= bytes.length;
    return bytes[at + 1] === LF ? Kind.text : Kind.move;
  }

  #within(byte: number, kinds: Uint8Array, at: number): number {
    // CAN and SUB break off whatever it was.
    if (byte === 0x18 || byte === 0x1a) return this.#leave();
    switch (this.#state) {
      case 'c2':
        return this.#eightBit(byte, kinds, at);
      case 'escape':
        return this.#escape(byte);
      case 'charset':
        return byte >= 0x30 ? this.#leave() : Kind.silent;
      case 'csi':
        if (byte === ESC) this.#state = 'escape';
        else if (byte >= 0x40 && byte <= 0x7e) {
          this.#leave();
          return MOVING.has(byte) ? Kind.move : Kind.silent;
        }
        return Kind.silent;
      case 'string-escape':
        // ESC ends a string, whatever comes behind it.
        return this.#escape(byte);
      case 'string-c2':
        this.#state = 'string';
        return byte === 0x9c ? this.#leave() : Kind.string;
      default:
        if (byte === 0x07) return this.#leave();
        if (byte === ESC) this.#state = 'string-escape';
        else if (byte === 0xc2) this.#state = 'string-c2';
        return byte === ESC ? Kind.silent : Kind.string;
    }
  }

  #escape(byte: number): number {
    if (byte === 0x5b) this.#state = 'csi';
    else if (byte === 0x5d || byte === 0x50 || byte === 0x58 || byte === 0x5e || byte === 0x5f) this.#state = 'string';
    else if (byte >= 0x20 && byte <= 0x2f) this.#state = 'charset';
    else if (byte !== ESC) {
      this.#leave();
      // IND, NEL, RI, restore cursor, reset.
      return byte === 0x44 || byte === 0x45 || byte === 0x4d || byte === 0x38 || byte === 0x63
        ? Kind.move
        : Kind.silent;
    }
    return Kind.silent;
  }

  /** U+0080 to U+009F in UTF-8 are ESC and a letter. */
  #eightBit(byte: number, kinds: Uint8Array, at: number): number {
    this.#state = 'ground';
    if (byte < 0x80 || byte > 0x9f) {
      if (byte >= 0x80) return Kind.text;
      if (byte >= SPACE && byte < 0x7f) {
        this.#column++;
        return Kind.text;
      }
      return this.#ground(byte, new Uint8Array(0), 0);
    }
    if (at > 0) kinds[at - 1] = Kind.silent;
    return this.#escape(byte - 0x40);
  }

  #leave(): number {
    this.#state = 'ground';
    return Kind.silent;
  }
}

function endOfPrintable(bytes: Uint8Array, from: number): number {
  let at = from + 1;
  while (at < bytes.length && bytes[at]! >= SPACE && bytes[at]! < 0x7f) at++;
  return at;
}
