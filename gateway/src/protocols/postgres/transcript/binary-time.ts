/*
 * Dates and times as `DateStyle = ISO` and `TimeZone = UTC` write them.
 * Binary forms count from 2000-01-01. @see PostgreSQL source, src/include/datatype/timestamp.h
 */

const DAY_US = 86_400_000_000n;
const DAYS_TO_1970 = 10_957;

export function dateText(days: number): string {
  if (days === 0x7fffffff) return 'infinity';
  if (days === -0x80000000) return '-infinity';
  const { date, era } = civil(days);
  return date + era;
}

/** `zone` is `+00` for what has a time zone. */
export function timestampText(us: bigint, zone: '' | '+00'): string {
  if (us === 0x7fff_ffff_ffff_ffffn) return 'infinity';
  if (us === -0x8000_0000_0000_0000n) return '-infinity';
  const ofDay = ((us % DAY_US) + DAY_US) % DAY_US;
  const { date, era } = civil(Number((us - ofDay) / DAY_US));
  return `${date} ${timeText(ofDay)}${zone}${era}`;
}

/** Of microseconds since midnight. */
export function timeText(us: bigint): string {
  const seconds = us / 1_000_000n;
  const fraction = us % 1_000_000n;
  const clock = [seconds / 3600n, (seconds / 60n) % 60n, seconds % 60n].map((part) => part.toString().padStart(2, '0'));
  const rest = fraction === 0n ? '' : `.${fraction.toString().padStart(6, '0').replace(/0+$/, '')}`;
  return clock.join(':') + rest;
}

/** The proleptic Gregorian calendar, for years that `Date` does not reach too. */
function civil(days: number): { date: string; era: '' | ' BC' } {
  // Counted from 0000-03-01, so that a leap day is a year's last.
  const shifted = days + DAYS_TO_1970 + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const shown = year > 0 ? year : 1 - year;
  const parts = [String(shown).padStart(4, '0'), String(month).padStart(2, '0'), String(day).padStart(2, '0')];
  return { date: parts.join('-'), era: year > 0 ? '' : ' BC' };
}
