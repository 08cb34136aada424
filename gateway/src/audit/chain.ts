import { hash } from 'node:crypto';
import type { AuditEvent } from './event.ts';
import { HASH_LENGTH, type Head, JSON_OFFSET } from './segment.ts';

/** One event as the journal holds it; `line` is the exact text in the file, without its line feed. */
export interface JournalRecord {
  readonly sequence: number;
  readonly hash: string;
  readonly event: AuditEvent;
  readonly line: string;
}

const opening = Buffer.from('{"sequence":');
const EVENT_KEY = ',"event":';

/** The JSON whose bytes are hashed; the publisher sends the event's part of it as it is. */
export function recordJson(sequence: number, eventJson: string): string {
  return `{"sequence":${sequence}${EVENT_KEY}${eventJson}}`;
}

/** The event's JSON within a record's line, byte for byte. */
export function eventJson({ line, sequence }: JournalRecord): string {
  return line.slice(JSON_OFFSET + opening.length + String(sequence).length + EVENT_KEY.length, -1);
}

/** The number in a record's line, or undefined where it is no record. */
export function sequenceOf(line: Buffer): number | undefined {
  let at = JSON_OFFSET + opening.length;
  if (line[HASH_LENGTH] !== 0x20 || line.compare(opening, 0, opening.length, JSON_OFFSET, at) !== 0) return undefined;
  let sequence = 0;
  for (; at < line.length; at++) {
    const digit = (line[at] as number) - 0x30;
    if (digit < 0 || digit > 9) break;
    sequence = sequence * 10 + digit;
  }
  return sequence > 0 && Number.isSafeInteger(sequence) ? sequence : undefined;
}

export function hashIn(line: Buffer): string {
  return line.toString('latin1', 0, HASH_LENGTH);
}

export function recordOf(line: Buffer, sequence: number): JournalRecord {
  const text = line.toString('utf8');
  const { event } = JSON.parse(text.slice(JSON_OFFSET)) as { event: AuditEvent };
  return { sequence, hash: hashIn(line), event, line: text };
}

/** Follows a journal line by line and holds each against the one before. */
export class Chain {
  sequence: number;
  hash: string;

  constructor({ sequence, hash }: Head) {
    this.sequence = sequence;
    this.hash = hash;
  }

  /** Takes the next line, or says what is wrong with it. The line is left as it was. */
  take(line: Buffer): string | undefined {
    const sequence = sequenceOf(line);
    if (sequence === undefined) return 'this is no record of the journal';
    const expected = this.sequence + 1;
    if (sequence > expected) return `record ${sequence} stands where ${expected} belongs: records are missing or moved`;
    if (sequence < expected) return `record ${sequence} stands where ${expected} belongs: it was moved or copied`;
    const own = hashIn(line);
    // A record's hash is that of its line with the hash of the line before in its place.
    line.write(this.hash, 0, 'latin1');
    const computed = hash('sha256', line, 'hex');
    line.write(own, 0, 'latin1');
    if (computed !== own) return `record ${sequence} does not match its hash: it, or the record before it, was changed`;
    this.sequence = sequence;
    this.hash = own;
    return undefined;
  }
}
