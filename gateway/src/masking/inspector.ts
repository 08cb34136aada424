import type { KeyObject } from 'node:crypto';
import type { Treatment } from '../protocols/protocol.ts';
import { type Detector, MAX_FIND_BYTES } from './detectors/detector.ts';
import { features } from './detectors/features.ts';
import { replaceText, stricter } from './treatment.ts';

/** A detector with what is done to its finds. */
export interface Probe {
  readonly detector: Detector;
  readonly treatment: Treatment;
}

/** What was found, and what is to be done with it. Bytes. */
export interface Span {
  readonly start: number;
  end: number;
  treatment: Treatment;
}

/** Longer texts are looked at window by window, each with `MAX_FIND_BYTES` of what lies before and behind. Bytes. */
const WINDOW_BYTES = 256 * 1024;

/** Finds secrets in texts and writes something else in their place. */
export class Inspector {
  readonly #probes: readonly Probe[];
  readonly #hashKey: KeyObject;
  readonly #alwaysLooks: boolean;

  constructor(probes: readonly Probe[], hashKey: KeyObject) {
    this.#probes = probes;
    this.#hashKey = hashKey;
    this.#alwaysLooks = probes.some(({ detector }) => detector.needs === 0);
  }

  get isIdle(): boolean {
    return this.#probes.length === 0;
  }

  /** False where nothing can be found in `bytes[start, end)`; allocates nothing. */
  suspects(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#alwaysLooks) return true;
    const seen = features(bytes, start, end);
    return seen !== 0 && this.#probes.some(({ detector }) => (detector.needs & seen) === detector.needs);
  }

  /** What is to be replaced in a text: sorted, none overlapping. */
  spans(text: Buffer): readonly Span[] {
    if (this.isIdle) return [];
    const seen = features(text, 0, text.length);
    if (seen === 0 && !this.#alwaysLooks) return [];
    const probes = this.#probes.filter(({ detector }) => (detector.needs & seen) === detector.needs);
    return probes.length === 0 ? [] : merged(findAll(probes, text));
  }

  /** Where the earliest find may start that goes on behind the text; its length where none may. */
  unfinishedFrom(text: Buffer): number {
    const from = Math.max(0, text.length - MAX_FIND_BYTES);
    const bytes = text.subarray(from);
    const tail = bytes.toString('latin1');
    return from + Math.min(...this.#probes.map(({ detector }) => detector.unfinishedFrom(tail, bytes)));
  }

  /** What stands in place of a find. */
  replacement(value: Buffer, treatment: Treatment): Buffer {
    return replaceText(value, treatment, this.#hashKey) ?? Buffer.alloc(0);
  }

  /** The text with every find replaced; the same buffer where there is none. */
  inspect(text: Buffer): Buffer {
    const spans = this.spans(text);
    return spans.length === 0 ? text : this.#rewritten(text, spans);
  }

  #rewritten(text: Buffer, spans: readonly Span[]): Buffer {
    const pieces: Buffer[] = [];
    let at = 0;
    for (const { start, end, treatment } of spans) {
      pieces.push(text.subarray(at, start));
      const instead = replaceText(text.subarray(start, end), treatment, this.#hashKey);
      if (instead !== undefined) pieces.push(instead);
      at = end;
    }
    pieces.push(text.subarray(at));
    return Buffer.concat(pieces);
  }
}

function findAll(probes: readonly Probe[], text: Buffer): Span[] {
  const spans: Span[] = [];
  for (let from = 0; from < text.length || from === 0; from += WINDOW_BYTES) {
    const first = Math.max(0, from - MAX_FIND_BYTES);
    const last = Math.min(text.length, from + WINDOW_BYTES + MAX_FIND_BYTES);
    // A find at the very edge may be the rest of something longer; the neighbouring window sees it whole.
    const least = first === 0 ? 0 : 1;
    const most = last === text.length ? last - first : from + WINDOW_BYTES - first;
    const bytes = text.subarray(first, last);
    const latin1 = bytes.toString('latin1');
    for (const { detector, treatment } of probes) {
      const found = (start: number, end: number) => {
        if (start >= least && start < most) spans.push({ start: first + start, end: first + end, treatment });
      };
      if (detector.findInBytes === undefined) detector.find(latin1, found);
      else detector.findInBytes(bytes, found);
    }
  }
  return spans;
}

/** Sorted, those that overlap joined under the stricter treatment. */
export function merged(spans: Span[]): Span[] {
  spans.sort((a, b) => a.start - b.start);
  const result: Span[] = [];
  for (const span of spans) {
    const last = result.at(-1);
    if (last === undefined || span.start >= last.end) result.push({ ...span });
    else {
      last.end = Math.max(last.end, span.end);
      last.treatment = stricter(last.treatment, span.treatment);
    }
  }
  return result;
}
