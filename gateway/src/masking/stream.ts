import type { StreamOptions, StreamVeil } from '../protocols/protocol.ts';
import { isBinary } from './binary.ts';
import { MAX_FIND_BYTES } from './detectors/detector.ts';
import { type Inspector, merged, type Span } from './inspector.ts';
import { Kind, TerminalText } from './terminal-text.ts';
import { type View, viewsOf } from './views.ts';

/** What may be the start of a secret is held back for so long at most. Milliseconds. */
export const HOLD_MS = 20;
/** … and so much of it. Bytes. */
export const MAX_HELD_BYTES = 2 * MAX_FIND_BYTES;

/** What detectors may look back upon before a secret starts. Bytes of text, and with the control sequences in it. */
const LOOK_BEHIND_BYTES = 16;
const MAX_LOOK_BEHIND_BYTES = 4096;

const nothing = Buffer.alloc(0);

/**
 * Replaces secrets in a stream. Only the end that may be the start of a secret is held back. The window is what left and may
 * still matter, then what is held.
 */
export class StreamInspector implements StreamVeil {
  readonly #inspector: Inspector;
  readonly #options: StreamOptions;
  readonly #terminal: TerminalText;
  #window: Buffer = nothing;
  #kinds: Uint8Array = nothing;
  /** Of the window, how much has left. */
  #sent = 0;
  /** Of what has left, where the last replaced text ends. */
  #hiddenTo = 0;
  /** Something was before the window. */
  #isCut = false;
  #heldSince = 0;
  #isBinary: boolean | undefined;

  constructor(inspector: Inspector, options: StreamOptions) {
    this.#inspector = inspector;
    this.#options = options;
    this.#terminal = new TerminalText(options.form === 'terminal', options.columns);
    if (options.form === 'terminal') this.#isBinary = false;
  }

  /** When `flush` is to be called, on the clock of `write`; undefined where nothing is held. */
  get deadline(): number | undefined {
    return this.#sent < this.#window.length ? this.#heldSince + HOLD_MS : undefined;
  }

  /** True once the stream is known to be no text: it passes as it is. */
  get isBinary(): boolean {
    return this.#isBinary === true;
  }

  resize(columns: number): void {
    this.#terminal.resize(columns);
  }

  /** What may leave now, of `chunk` and what was held. `now` in milliseconds on any clock that only goes forward. */
  write(chunk: Buffer, now: number): Buffer {
    if (chunk.length === 0 || this.#inspector.isIdle) return chunk;
    this.#isBinary ??= isBinary(chunk);
    if (this.#isBinary) return chunk;
    const before = this.#window.length;
    const isLate = this.#sent < before && now >= this.#heldSince + HOLD_MS;
    const seen = this.#append(chunk);
    const { spans, open } = this.#look(seen);
    const isFull = this.#window.length - Math.max(open, this.#sent) > MAX_HELD_BYTES;
    const until = isFull ? this.#window.length : isLate ? Math.max(open, before) : open;
    if (until >= before) this.#heldSince = now;
    return this.#release(spans, Math.max(until, this.#sent), open);
  }

  /** All that is held, with what is a secret already replaced: at the deadline, and at the end of the stream. */
  flush(): Buffer {
    if (this.#sent === this.#window.length) return nothing;
    const { spans, open } = this.#look(this.#seen(this.#window.length));
    return this.#release(spans, this.#window.length, open);
  }

  #append(chunk: Buffer): number {
    const before = this.#window.length;
    const seen = this.#seen(before);
    const kinds = new Uint8Array(before + chunk.length);
    kinds.set(this.#kinds);
    this.#window = before === 0 ? chunk : Buffer.concat([this.#window, chunk]);
    this.#kinds = kinds;
    return seen | this.#terminal.classify(this.#window, kinds, before);
  }

  #seen(to: number): number {
    let seen = 0;
    for (let at = 0; at < to; at++) seen |= this.#kinds[at]!;
    return seen;
  }

  /** Finds, and from where on something may go on behind the window. */
  #look(seen: number): { spans: StreamSpan[]; open: number } {
    const all: StreamSpan[] = [];
    let open = this.#window.length;
    for (const view of viewsOf(this.#window, this.#kinds, seen)) {
      const { text, map, kind } = view;
      const opensAt = this.#inspector.unfinishedFrom(text);
      if (opensAt < text.length) open = Math.min(open, at(view, opensAt));
      if (!this.#inspector.suspects(text, 0, text.length)) continue;
      for (const { start, end, treatment } of this.#inspector.spans(text)) {
        // What starts where the window was cut may be the rest of something else; a secret's own start is never cut off.
        if (start === 0 && this.#isCut && at(view, 0) === 0) continue;
        if (end === text.length) open = Math.min(open, at(view, start));
        all.push({ start: at(view, start), end: map === undefined ? end : map[end - 1]! + 1, treatment, kind });
      }
    }
    const spans = [Kind.text, Kind.string].flatMap((kind) =>
      merged(all.filter((span) => span.kind === kind)).map((span) => ({ ...span, kind })),
    );
    return { spans: spans.sort((a, b) => a.start - b.start), open };
  }

  #release(spans: readonly StreamSpan[], wanted: number, open: number): Buffer {
    const until = this.#settled(spans, wanted, open);
    const from = this.#sent;
    const result = this.#rewritten(spans, until);
    this.#sent = until;
    this.#forget(Math.min(open, until));
    return from === until ? nothing : result;
  }

  /** A find is not torn: it stays where it may grow, and leaves whole where it must. */
  #settled(spans: readonly StreamSpan[], wanted: number, open: number): number {
    let until = wanted;
    for (const { start, end } of spans.toReversed()) {
      if (start < until && until < end) until = wanted > open ? end : Math.max(start, this.#sent);
    }
    return until;
  }

  #rewritten(spans: readonly StreamSpan[], until: number): Buffer {
    const from = this.#sent;
    const pieces: Buffer[] = [];
    let done = from;
    for (const span of spans) {
      if (span.end <= done || span.start >= until) continue;
      if (span.start > done) pieces.push(this.#window.subarray(done, span.start));
      pieces.push(this.#instead(span, from), this.#kept(Math.max(span.start, done), span));
      done = this.#hiddenTo = span.end;
    }
    if (done === from) return this.#window.subarray(from, until);
    if (done < until) pieces.push(this.#window.subarray(done, until));
    return Buffer.concat(pieces);
  }

  /** What stands for a find; nothing where its start was replaced before. */
  #instead(span: StreamSpan, sent: number): Buffer {
    const { treatment, kind } = span;
    if (span.start >= sent) return this.#inspector.replacement(this.#only(span.start, span.end, kind), treatment);
    if (this.#hiddenTo > span.start && this.#only(this.#hiddenTo, sent, kind).length === 0) return nothing;
    this.#options.late?.({ mask: treatment.mask, shownBytes: this.#only(span.start, sent, kind).length });
    return this.#inspector.replacement(nothing, { ...treatment, as: treatment.as === 'null' ? 'null' : 'redact' });
  }

  /** Control sequences within a find stay, but for backspaces: they would go back over what stands in its place. */
  #kept(start: number, { end, kind }: StreamSpan): Buffer {
    const kept: number[] = [];
    for (let i = start; i < end; i++) {
      if (this.#kinds[i] !== kind && this.#kinds[i] !== Kind.back) kept.push(this.#window[i]!);
    }
    return Buffer.from(kept);
  }

  #only(start: number, end: number, kind: number): Buffer {
    return this.#window.subarray(start, end).filter((_, i) => this.#kinds[start + i] === kind) as Buffer;
  }

  /** Where the last text before `end` starts: control sequences, however many, do not push it out of the window. */
  #textBefore(end: number): number {
    const least = Math.max(0, end - MAX_LOOK_BEHIND_BYTES);
    let from = end;
    for (let texts = 0; from > least && texts < LOOK_BEHIND_BYTES; from--)
      if (this.#kinds[from - 1] === Kind.text) texts++;
    return from;
  }

  /** Keeps what a secret may have begun in, and a little before. */
  #forget(needed: number): void {
    const most = this.#sent - MAX_FIND_BYTES - MAX_LOOK_BEHIND_BYTES;
    const from = Math.max(this.#textBefore(needed), most);
    if (from === 0) return;
    this.#window = Buffer.from(this.#window.subarray(from));
    this.#kinds = this.#kinds.slice(from);
    this.#sent -= from;
    this.#hiddenTo = Math.max(0, this.#hiddenTo - from);
    this.#isCut = true;
  }
}

interface StreamSpan extends Span {
  readonly kind: number;
}

function at({ text, map }: View, index: number): number {
  return map === undefined ? index : index < text.length ? map[index]! : 0;
}
