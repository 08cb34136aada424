import { setTimeout as sleep } from 'node:timers/promises';
import type { TranscriptEvent } from '@sallyport/proto/api/v1/transcript_pb';
import type { TranscriptPrinter } from './printer.ts';

export interface Pace {
  /** 1 is as it was; Infinity is without pauses. */
  readonly speed: number;
  /** Longer pauses are cut to this, before `speed` counts. Milliseconds. */
  readonly maxPauseMs: number;
}

/** A pause that is seen: what is held back of a table is written before it. */
const SEEN_MS = 50;

export interface PlayerParts {
  readonly printer: TranscriptPrinter;
  readonly write: (text: string) => Promise<void>;
  readonly signal: AbortSignal;
  readonly wait?: (ms: number) => Promise<unknown>;
}

/** Plays a transcript at its pace. Nothing is read ahead of what is shown. */
export async function play(
  batches: AsyncIterable<{ readonly events: readonly TranscriptEvent[] }>,
  pace: Pace,
  parts: PlayerParts,
) {
  const { printer, write, signal, wait = (ms: number) => sleep(ms, undefined, { signal }) } = parts;
  let lastUs: bigint | undefined;
  for await (const { events } of batches) {
    for (const event of events) {
      const pauseMs =
        lastUs === undefined ? 0 : Math.min(Number(event.atUs - lastUs) / 1000, pace.maxPauseMs) / pace.speed;
      lastUs = event.atUs;
      if (pauseMs >= SEEN_MS) await write(printer.flush());
      if (pauseMs >= 1) await wait(pauseMs);
      await write(printer.print(event));
    }
  }
  await write(printer.flush());
}

/** Shows a living session as it goes: each batch at once. */
export async function follow(
  batches: AsyncIterable<{ readonly events: readonly TranscriptEvent[] }>,
  { printer, write }: PlayerParts,
) {
  for await (const { events } of batches) {
    for (const event of events) await write(printer.print(event));
    await write(printer.flush());
  }
}
