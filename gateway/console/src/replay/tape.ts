import type { TranscriptEvent } from '@sallyport/proto/api/v1/transcript_pb';

/** One terminal, or the streams of one command, as the player takes it: seconds, what, data. */
export interface Tape {
  readonly channel: number;
  columns: number;
  rows: number;
  readonly events: [time: number, code: 'o' | 'r' | 'm', data: string][];
}

/** Of one page. Characters. */
const MAX_TEXT = 20_000_000;
const usual = { columns: 120, rows: 30 };

/** Puts what a session showed in its terminals onto tapes, one for each channel. */
export class Tapes {
  readonly #tapes = new Map<number, Tape & { isTerminal: boolean }>();
  readonly #decoders = new Map<string, TextDecoder>();
  #length = 0;
  isCut = false;

  get all(): readonly Tape[] {
    return [...this.#tapes.values()].filter(({ events }) => events.length > 0);
  }

  take({ atUs, event }: TranscriptEvent): void {
    const at = Number(atUs) / 1_000_000;
    if (event.case === 'resize') {
      const { columns, rows, channel } = event.value;
      const tape = this.#tape(channel);
      tape.isTerminal = true;
      // A client without a window says nothing of its size.
      if (columns === 0 || rows === 0) return;
      if (tape.events.length === 0) [tape.columns, tape.rows] = [columns, rows];
      else tape.events.push([at, 'r', `${columns}x${rows}`]);
    } else if (event.case === 'output') {
      const { data, error, channel } = event.value;
      this.#output(at, channel, this.#text(data, error, channel));
    } else if (event.case === 'exit') {
      const { code, signal, channel } = event.value;
      const how = signal === '' ? `ended with ${code ?? '?'}` : `ended by ${signal}`;
      this.#tape(channel).events.push([at, 'm', how]);
    }
  }

  #output(at: number, channel: number, text: string): void {
    this.#length += text.length;
    if (this.#length > MAX_TEXT) {
      this.isCut = true;
      return;
    }
    const tape = this.#tape(channel);
    // Without a terminal nobody made a line feed begin a new line at its start.
    tape.events.push([at, 'o', tape.isTerminal ? text : text.replaceAll(/\r?\n/g, '\r\n')]);
  }

  /** Characters may be cut between two events. */
  #text(data: Uint8Array, isError: boolean, channel: number): string {
    const key = `${channel}${isError}`;
    const decoder = this.#decoders.get(key) ?? new TextDecoder();
    this.#decoders.set(key, decoder);
    return decoder.decode(data, { stream: true });
  }

  #tape(channel: number): Tape & { isTerminal: boolean } {
    const known = this.#tapes.get(channel);
    if (known !== undefined) return known;
    const made = { channel, ...usual, events: [], isTerminal: false };
    this.#tapes.set(channel, made);
    return made;
  }
}
