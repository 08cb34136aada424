import type { FieldVeil, Treatment, Veil } from '../../protocol.ts';
import type { Filter } from '../dialect.ts';
import { unreadable } from './unreadable.ts';

/** Of one name, text or number. Bytes. */
const MAX_TOKEN_BYTES = 4 * 1024 * 1024;
const MAX_DEPTH = 256;

interface Level {
  readonly isList: boolean;
  /** Of the member or element that is read now. */
  key: string | number;
  awaits: 'key' | 'colon' | 'value' | 'comma';
  isEmpty: boolean;
}

const [QUOTE, BACKSLASH, COMMA, COLON, OPEN, CLOSE, OPEN_LIST, CLOSE_LIST] = Buffer.from('"\\,:{}[]');
/** RFC 7464 puts it before each text. */
const RECORD_SEPARATOR = 0x1e;
const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/**
 * Rewrites JSON as it streams: fields that a mask names are replaced whole, detectors look at every other text. One value, or
 * any number of them one behind the other (NDJSON, JSON text sequences). Holds one name, text or number at a time.
 */
export class JsonVeil implements Filter {
  readonly #veil: Veil;
  readonly #fields: FieldVeil;
  readonly #levels: Level[] = [];
  readonly #out: Buffer[] = [];
  #token: Buffer[] = [];
  #tokenBytes = 0;
  #state: 'between' | 'string' | 'escape' | 'scalar' = 'between';
  /** The level below which everything is replaced, and what is put there. */
  #hidden: { readonly depth: number; readonly treatment: Treatment } | undefined;

  constructor(veil: Veil, fields: FieldVeil) {
    this.#veil = veil;
    this.#fields = fields;
  }

  write(chunk: Buffer): Buffer {
    let from = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] as number;
      if (this.#state === 'escape') this.#state = 'string';
      else if (this.#state === 'string') {
        if (byte === BACKSLASH) this.#state = 'escape';
        else if (byte === QUOTE) {
          this.#keep(chunk.subarray(from, at + 1));
          from = at + 1;
          this.#ended();
        }
      } else if (this.#state === 'scalar') {
        if (!this.#endsScalar(byte)) continue;
        this.#keep(chunk.subarray(from, at));
        from = at;
        this.#ended();
        at -= 1;
      } else {
        from = this.#between(byte, at);
      }
    }
    if (this.#state !== 'between') this.#keep(chunk.subarray(from));
    return this.#taken();
  }

  end(): Buffer {
    if (this.#state === 'scalar' && this.#levels.length === 0) this.#ended();
    if (this.#state !== 'between' || this.#levels.length > 0) throw unreadable('its JSON is not complete');
    return this.#taken();
  }

  #taken(): Buffer {
    const all = Buffer.concat(this.#out);
    this.#out.length = 0;
    return all;
  }

  /** Where the next token starts. */
  #between(byte: number, at: number): number {
    if (isSpace(byte) || byte === RECORD_SEPARATOR) this.#show(byte);
    else if (byte === OPEN || byte === OPEN_LIST) this.#open(byte === OPEN_LIST, byte);
    else if (byte === CLOSE || byte === CLOSE_LIST) this.#close(byte === CLOSE_LIST, byte);
    else if (byte === COMMA) this.#comma(byte);
    else if (byte === COLON) this.#colon(byte);
    else {
      this.#state = byte === QUOTE ? 'string' : 'scalar';
      return at;
    }
    return at + 1;
  }

  #endsScalar(byte: number): boolean {
    return isSpace(byte) || byte === COMMA || byte === CLOSE || byte === CLOSE_LIST || byte === RECORD_SEPARATOR;
  }

  #keep(part: Buffer): void {
    this.#token.push(part);
    this.#tokenBytes += part.length;
    if (this.#tokenBytes > MAX_TOKEN_BYTES) throw unreadable('a text in its JSON is too long');
  }

  /** A name, a text or another scalar is whole. */
  #ended(): void {
    const token = Buffer.concat(this.#token);
    this.#token = [];
    this.#tokenBytes = 0;
    this.#state = 'between';
    const level = this.#levels.at(-1);
    if (level?.awaits === 'key') return this.#name(token, level);
    this.#expectValue();
    if (this.#hidden !== undefined) return this.#after();
    const treatment = this.#treatment();
    this.#out.push(treatment === undefined ? this.#inspected(token) : this.#replaced(token, treatment));
    this.#after();
  }

  #name(token: Buffer, level: Level): void {
    const name = parsed(token);
    if (typeof name !== 'string') throw unreadable('it is no JSON');
    level.key = name;
    level.awaits = 'colon';
    level.isEmpty = false;
    if (this.#hidden === undefined) this.#out.push(this.#inspected(token));
  }

  #open(isList: boolean, byte: number): void {
    this.#expectValue();
    if (this.#levels.length >= MAX_DEPTH) throw unreadable('its JSON is nested too deep');
    const treatment = this.#hidden === undefined ? this.#treatment() : undefined;
    if (treatment !== undefined) {
      this.#hidden = { depth: this.#levels.length, treatment };
      // Parts of what is no text would tell its members.
      this.#out.push(Buffer.from(treatment.as === 'null' ? 'null' : '"[redacted]"'));
    }
    this.#show(byte);
    this.#levels.push({ isList, key: isList ? 0 : '', awaits: isList ? 'value' : 'key', isEmpty: true });
  }

  #close(isList: boolean, byte: number): void {
    const level = this.#levels.pop();
    const mayEnd = level?.awaits === 'comma' || level?.isEmpty === true;
    if (level === undefined || level.isList !== isList || !mayEnd) throw unreadable('it is no JSON');
    this.#show(byte);
    if (this.#hidden?.depth === this.#levels.length) this.#hidden = undefined;
    this.#after();
  }

  #comma(byte: number): void {
    const level = this.#levels.at(-1);
    if (level?.awaits !== 'comma') throw unreadable('it is no JSON');
    if (level.isList) level.key = (level.key as number) + 1;
    level.awaits = level.isList ? 'value' : 'key';
    this.#show(byte);
  }

  #colon(byte: number): void {
    const level = this.#levels.at(-1);
    if (level?.awaits !== 'colon') throw unreadable('it is no JSON');
    level.awaits = 'value';
    this.#show(byte);
  }

  #expectValue(): void {
    const level = this.#levels.at(-1);
    if (level !== undefined && level.awaits !== 'value') throw unreadable('it is no JSON');
    if (level !== undefined) level.isEmpty = false;
  }

  #after(): void {
    const level = this.#levels.at(-1);
    if (level !== undefined) level.awaits = 'comma';
  }

  #treatment(): Treatment | undefined {
    return this.#levels.length === 0 ? undefined : this.#fields(this.#levels.map(({ key }) => key));
  }

  #show(byte: number): void {
    if (this.#hidden === undefined) this.#out.push(Buffer.of(byte));
  }

  #replaced(token: Buffer, treatment: Treatment): Buffer {
    const value = parsed(token);
    if (value === null) return treatment.coversNull === true ? Buffer.from('"[redacted]"') : token;
    const shown = this.#veil.replace(Buffer.from(String(value)), treatment);
    return Buffer.from(shown === undefined ? 'null' : JSON.stringify(shown.toString('utf8')));
  }

  /** Escapes hide nothing: what detectors see is the text itself. */
  #inspected(token: Buffer): Buffer {
    const value = parsed(token);
    if (!this.#veil.inspects || typeof value === 'boolean' || value === null) return token;
    const text = Buffer.from(typeof value === 'string' ? value : token.toString('latin1'));
    const shown = this.#veil.inspect(text);
    return shown === text || shown.equals(text) ? token : Buffer.from(JSON.stringify(shown.toString('utf8')));
  }
}

function parsed(token: Buffer): unknown {
  try {
    return JSON.parse(token.toString('utf8'));
  } catch {
    throw unreadable('it is no JSON');
  }
}
