import { type Duration, type Timestamp, timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import { invalid } from '../problems.ts';

/** Absent stays absent. */
export function timestamp(ms: number | undefined): { value?: Timestamp } {
  return ms === undefined ? {} : { value: timestampFromMs(ms) };
}

export function milliseconds(at: Timestamp | undefined): number | undefined {
  return at === undefined ? undefined : timestampMs(at);
}

/** @throws ConnectError where it is none, or negative. */
export function durationMs(duration: Duration | undefined): number | undefined {
  if (duration === undefined) return undefined;
  const ms = Number(duration.seconds) * 1000 + Math.floor(duration.nanos / 1_000_000);
  if (!Number.isSafeInteger(ms) || ms <= 0) throw invalid('a time to live is longer than nothing');
  return ms;
}
