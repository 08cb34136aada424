import { bounded } from './bounded.ts';
import type { AuditEvent } from './event.ts';
import { uuid7 } from './uuid7.ts';

type Facts = Omit<AuditEvent, 'id' | 'time' | 'type' | 'connection' | 'sessionId' | 'principal'> & {
  readonly connection?: string | undefined;
  readonly sessionId?: string | undefined;
  readonly principal?: AuditEvent['principal'] | undefined;
};

let clockMs = 0;
let clockText = '';

function tick(): number {
  const now = Date.now();
  if (now !== clockMs) {
    clockMs = now;
    clockText = new Date(now).toISOString();
  }
  return now;
}

/**
 * Makes events of one kind in one session as JSON: what never changes is written once. `data` is the JSON of an object
 * that keeps within the bounds.
 */
export function eventWriter(type: string, facts: Omit<Facts, 'data'>): (data: string) => string {
  const { connection, sessionId, principal } = facts;
  const constant = JSON.stringify({ type, connection, sessionId, principal }).slice(1, -1);
  return (data) => {
    const id = uuid7(tick());
    return `{"id":"${id}","time":"${clockText}",${constant},"data":${data}}`;
  };
}

/** An event of now. Data beyond 128 Ki characters, or a text beyond 64 Ki, is cut and its length and SHA-256 stated. */
export function newEvent(type: string, { connection, sessionId, principal, data }: Facts): AuditEvent {
  return {
    id: uuid7(tick()),
    time: clockText,
    type,
    ...(connection === undefined ? undefined : { connection }),
    ...(sessionId === undefined ? undefined : { sessionId }),
    ...(principal === undefined ? undefined : { principal }),
    data: bounded(data),
  };
}
