import { type Duration, durationFromMs, type Timestamp, timestampDate } from '@bufbuild/protobuf/wkt';
import { usage } from '../failures.ts';

const units: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `90s`, `15m`, `8h`, `7d`. @throws Failure */
export function durationOf(text: string): Duration {
  const [, count = '', unit = ''] = /^(\d{1,7})([smhd])$/.exec(text) ?? [];
  const ms = Number(count) * (units[unit] ?? 0);
  if (ms <= 0) throw usage(`"${text}" is no length of time`, 'Such as: 90s, 15m, 8h, 7d');
  return durationFromMs(ms);
}

/** `2026-11-24 10:00:03` in the machine's own time zone; a dash where there is none. */
export function clockTime(at: Timestamp | undefined): string {
  if (at === undefined) return '-';
  const date = timestampDate(at);
  const two = (number: number): string => String(number).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** `in 4m`, `3h ago`. */
export function fromNow(at: Timestamp | undefined, now = Date.now()): string {
  if (at === undefined) return '-';
  const ms = timestampDate(at).getTime() - now;
  return ms >= 0 ? `in ${span(ms)}` : `${span(-ms)} ago`;
}

/** `4s`, `12m`, `3h`, `2d`: the largest whole unit. */
export function span(ms: number): string {
  const [unit, size] = Object.entries(units).findLast(([, each]) => ms >= each) ?? ['s', 1000];
  return `${Math.floor(ms / size)}${unit}`;
}

/** `90s`, `15m`, `1h 30m`: as it is asked for. */
export function lengthOf({ seconds, nanos }: Duration): string {
  let left = Number(seconds) * 1000 + Math.floor(nanos / 1_000_000);
  const parts: string[] = [];
  for (const [unit, size] of Object.entries(units).reverse()) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count > 0) parts.push(`${count}${unit}`);
  }
  return parts.length === 0 ? '0s' : parts.join(' ');
}
