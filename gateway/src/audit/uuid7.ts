import { randomFillSync } from 'node:crypto';

const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** One system call buys the random bytes of many ids. */
const pool = Buffer.alloc(4096);
let used = pool.length;
let lastMs = 0;
let counter = 0;

/** A UUID of version 7; those of one process ascend, also within a millisecond and when the clock steps back. @see RFC 9562, 5.7 and 6.2 */
export function uuid7(nowMs: number = Date.now()): string {
  if (used + 10 > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  tick(nowMs);
  const at = used;
  used += 10;
  const high = Math.floor(lastMs / 0x10000);
  const byte = (value: number) => hex[value & 0xff] as string;
  const random = (index: number) => hex[pool[at + index] as number] as string;
  return (
    `${byte(high >>> 24)}${byte(high >>> 16)}${byte(high >>> 8)}${byte(high)}-` +
    `${byte((lastMs % 0x10000) >>> 8)}${byte(lastMs % 0x100)}-` +
    `${byte(0x70 | (counter >>> 8))}${byte(counter)}-` +
    `${byte(0x80 | ((pool[at + 2] as number) & 0x3f))}${random(3)}-` +
    `${random(4)}${random(5)}${random(6)}${random(7)}${random(8)}${random(9)}`
  );
}

/** Twelve bits count within a millisecond, from a random start in the lower half; the next millisecond is borrowed when they run out. */
function tick(nowMs: number): void {
  if (nowMs > lastMs) {
    lastMs = nowMs;
    counter = ((pool[used] as number) << 3) | ((pool[used + 1] as number) & 0x07);
  } else if (counter < 0xfff) {
    counter += 1;
  } else {
    lastMs += 1;
    counter = 0;
  }
}
