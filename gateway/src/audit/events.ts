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

/** An event of now. Data beyond 128 Ki characters, or a text beyond 64 Ki, is cut and its length and SHA-256 stated. */
export function newEvent(type: string, { connection, sessionId, principal, data }: Facts): AuditEvent {
  const now = Date.now();
  if (now !== clockMs) {
    clockMs = now;
    clockText = new Date(now).toISOString();
  }
  return {
    id: uuid7(now),
    time: clockText,
    type,
    ...(connection === undefined ? undefined : { connection }),
    ...(sessionId === undefined ? undefined : { sessionId }),
    ...(principal === undefined ? undefined : { principal }),
    data: bounded(data),
  };
}
