import type { FieldVeil, Veil } from '../../protocol.ts';
import type { Filter } from '../dialect.ts';
import { JsonVeil } from './json.ts';
import { unreadable } from './unreadable.ts';

/** Of one event. Bytes. */
const MAX_EVENT_BYTES = 1024 * 1024;

/** Server-sent events whose data is JSON (HTML, 9.2): each event is held until it is whole. */
export class EventVeil implements Filter {
  readonly #veil: Veil;
  readonly #fields: FieldVeil;
  #held = '';
  #carried = '';
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

  constructor(veil: Veil, fields: FieldVeil) {
    this.#veil = veil;
    this.#fields = fields;
  }

  write(chunk: Buffer): Buffer {
    const text = this.#carried + this.#text(chunk, true);
    // A line feed may follow, and the two are one end of a line.
    this.#carried = text.endsWith('\r') ? '\r' : '';
    this.#held += text.slice(0, text.length - this.#carried.length).replace(/\r\n?/g, '\n');
    const events = this.#held.split(/(?<=\n)\n/);
    this.#held = events.pop() ?? '';
    if (this.#held.length > MAX_EVENT_BYTES) throw unreadable('an event of it is too long');
    return Buffer.from(events.map((event) => this.#event(event)).join(''));
  }

  /** What is not whole is no event, and no client shows it. */
  end(): Buffer {
    this.#text(Buffer.alloc(0), false);
    return Buffer.alloc(0);
  }

  #text(chunk: Buffer, stream: boolean): string {
    try {
      return this.#decoder.decode(chunk, { stream });
    } catch {
      throw unreadable('it is no UTF-8');
    }
  }

  #event(event: string): string {
    const lines = event.split('\n');
    const data = lines.filter((line) => /^data(?::|$)/.test(line)).map((line) => line.replace(/^data:? ?/, ''));
    const others = lines
      .filter((line) => line !== '' && /^(?:event|id|retry)(?::|$)/.test(line))
      .map((line) => this.#plain(line));
    if (data.length > 0)
      others.push(
        ...this.#shown(data.join('\n'))
          .split('\n')
          .map((line) => `data: ${line}`),
      );
    return others.length === 0 ? '\n' : `${others.join('\n')}\n\n`;
  }

  #plain(line: string): string {
    return this.#veil.inspects ? this.#veil.inspect(Buffer.from(line)).toString('utf8') : line;
  }

  #shown(data: string): string {
    const json = new JsonVeil(this.#veil, this.#fields);
    return Buffer.concat([json.write(Buffer.from(data)), json.end()]).toString('utf8');
  }
}
