import { eventJson, type JournalRecord } from './chain.ts';
import type { AuditEvent } from './event.ts';

/** A record as it is told to NATS: CloudEvents 1.0, binary mode. @see CloudEvents 1.0.2; its NATS protocol binding */
export interface Message {
  readonly id: string;
  readonly subject: string;
  /** For approvals only: the subject of those who wait for them. */
  readonly approvalSubject: string | undefined;
  readonly headers: readonly (readonly [string, string])[];
  /** The event exactly as the journal hashed it, so that a receiver can check the chain. */
  readonly body: string;
}

export function messageOf(record: JournalRecord, source: string): Message {
  const { event, sequence, hash } = record;
  return {
    id: event.id,
    subject: auditSubject(event),
    approvalSubject: approvalSubject(event.type),
    headers: [
      ['ce-specversion', '1.0'],
      ['ce-id', headerValue(event.id)],
      ['ce-source', headerValue(source)],
      ['ce-type', headerValue(event.type)],
      ['ce-time', event.time],
      ...(event.connection === undefined ? [] : [['ce-subject', headerValue(event.connection)] as const]),
      ['ce-sequence', String(sequence)],
      ['ce-hash', hash],
      ['content-type', 'application/json'],
    ],
    body: eventJson(record),
  };
}

/** `sallyport.audit.<connection>.<type…>`; `_` where there is no connection. */
export function auditSubject({ connection, type }: Pick<AuditEvent, 'connection' | 'type'>): string {
  return `sallyport.audit.${token(connection ?? '')}.${type.split('.').map(token).join('.')}`;
}

/** Whatever ends an approval but its time is a decision. */
export function approvalSubject(type: string): string | undefined {
  const [family, what] = type.split('.');
  if (family !== 'approval') return undefined;
  return `sallyport.approvals.${what === 'requested' || what === 'expired' ? what : 'decided'}`;
}

/** NATS gives dots, spaces, `*` and `>` a meaning; the true name is in the event. */
function token(text: string): string {
  return text === '' ? '_' : text.replace(/[^A-Za-z0-9_-]/g, '_');
}

/** @see CloudEvents HTTP binding 3.1.3.2, which the NATS binding repeats */
function headerValue(text: string): string {
  return text.toWellFormed().replace(/[^\x21\x23\x24\x26-\x7e]/gu, encodeURIComponent);
}
