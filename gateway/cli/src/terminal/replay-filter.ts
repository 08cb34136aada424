type State = 'ground' | 'escape' | 'intermediate' | 'csi' | 'string' | 'string-escape';

/** Cursor, erasing, scrolling, colours, cursor's save: CSI finals that only draw (ECMA-48, 8.3). */
const DRAWING = new Set('@ABCDEFGHIJKLMPSTXZ`adefgmrs');
/** Of `ESC x`: index, next line, reverse index, tab stop, save and restore of the cursor. */
const SINGLE = new Set('DEMH78');
/** DEC private modes that only draw: wrap, blinking, cursor, the other screen. */
const MODES = new Set(['7', '12', '25', '47', '1047', '1048', '1049']);
const MAX_SEQUENCE = 256;

/**
 * Lets through of recorded output what draws on a screen. Not what a terminal would answer (reports, ENQ), what reaches
 * beyond the screen (clipboard, titles, printing, files), nor any string sequence (OSC, DCS, APC, PM, SOS). Works across
 * pieces. With `plain` no sequence at all is let through.
 */
export class ReplayFilter {
  readonly #plain: boolean;
  #state: State = 'ground';
  #sequence = '';

  constructor(options: { readonly plain?: boolean } = {}) {
    this.#plain = options.plain ?? false;
  }

  filter(text: string): string {
    let result = '';
    for (const char of text) result += this.#next(char);
    return result;
  }

  #next(char: string): string {
    const code = char.codePointAt(0)!;
    if (code === 0x18 || code === 0x1a) return this.#to('ground');
    if (code >= 0x80 && code <= 0x9f) return this.#eightBit(code);
    if (code === 0x1b) return this.#to(this.#state === 'string' ? 'string-escape' : 'escape');
    switch (this.#state) {
      case 'ground':
        return this.#shown(char, code);
      case 'escape':
      case 'string-escape':
        return this.#escape(char);
      case 'intermediate':
        return code >= 0x30 ? this.#to('ground') : '';
      case 'csi':
        return this.#csi(char, code);
      case 'string':
        return code === 0x07 ? this.#to('ground') : '';
    }
  }

  #shown(char: string, code: number): string {
    if (code === 0x0d && this.#plain) return '';
    if (code >= 0x20 ? code !== 0x7f : code >= 0x09 && code <= 0x0d) return char;
    return code === 0x08 && !this.#plain ? char : '';
  }

  #eightBit(code: number): string {
    if (code === 0x9c) return this.#to('ground');
    if (code === 0x9b) return this.#to('csi');
    if (this.#state === 'string') return '';
    return [0x90, 0x98, 0x9d, 0x9e, 0x9f].includes(code) ? this.#to('string') : '';
  }

  #escape(char: string): string {
    if (char === '[') return this.#to('csi');
    if (']PX^_'.includes(char)) return this.#to('string');
    if (char >= ' ' && char <= '/') return this.#to('intermediate');
    this.#to('ground');
    return SINGLE.has(char) && !this.#plain ? `\x1b${char}` : '';
  }

  #csi(char: string, code: number): string {
    if (code < 0x20) return '';
    if (code < 0x40 || code > 0x7e) {
      if (this.#sequence.length < MAX_SEQUENCE) this.#sequence += char;
      return '';
    }
    const parameters = this.#sequence;
    this.#to('ground');
    return !this.#plain && isDrawing(parameters, char) ? `\x1b[${parameters}${char}` : '';
  }

  #to(state: State): string {
    this.#state = state;
    this.#sequence = '';
    return '';
  }
}

function isDrawing(parameters: string, final: string): boolean {
  if (parameters.length >= MAX_SEQUENCE) return false;
  if (final === 'h' || final === 'l') {
    return (
      parameters.startsWith('?') &&
      parameters
        .slice(1)
        .split(';')
        .every((mode) => MODES.has(mode))
    );
  }
  return DRAWING.has(final) && /^[0-9;:]*$/.test(parameters);
}
