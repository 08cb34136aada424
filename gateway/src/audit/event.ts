import type { Party } from '@sallyport/shared/access/principal.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** What happened, in the field's words; told to security teams, so no secret and no unmasked value is ever in it. */
export interface AuditEvent {
  /** UUID, version 7; `ce-id` and `Nats-Msg-Id`. */
  readonly id: string;
  /** RFC 3339, UTC, milliseconds. */
  readonly time: string;
  /** `session.start`, `postgres.query`, `approval.requested`, `agent.up`, `admin.apply`, … */
  readonly type: string;
  readonly connection?: string;
  readonly sessionId?: string;
  /** Whose doing it is, with who acts on their behalf. */
  readonly principal?: Party;
  readonly data: { readonly [key: string]: Json };
}
