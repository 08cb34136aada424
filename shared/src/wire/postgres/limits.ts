import { Backend, Frontend } from './types.ts';

/** Bytes of a startup packet after its length word: MAX_STARTUP_PACKET_LENGTH, libpq/pqcomm.h. */
export const MAX_STARTUP_BYTES = 10_000;

/** Bytes of a password or SASL message: PQ_SMALL_MESSAGE_LIMIT, libpq/libpq.h; the server's own caps are below or near. */
export const MAX_AUTH_MESSAGE_BYTES = 10_000;

/** Length word of messages that only carry a name or nothing: PQ_SMALL_MESSAGE_LIMIT, libpq/libpq.h. */
export const MAX_SMALL_MESSAGE_BYTES = 10_000;

/** Length word of any message: PQ_LARGE_MESSAGE_LIMIT = MaxAllocSize − 1, libpq/libpq.h and utils/memutils.h. */
export const MAX_MESSAGE_BYTES = 0x3fff_fffe;

/** Length word of replies that libpq expects to be short, fe-protocol3.c `VALID_LONG_MESSAGE_TYPE`. */
export const MAX_SHORT_REPLY_BYTES = 30_000;

/** Bytes of a cancel key, protocol 3.2. @see PostgreSQL manual 55.7 "BackendKeyData" */
export const MAX_CANCEL_KEY_BYTES = 256;
export const MIN_CANCEL_KEY_BYTES = 4;

/** PBKDF2 rounds that a server may ask of us; more is a denial of service (CVE-2026-42198). */
export const MAX_SCRAM_ITERATIONS = 1_000_000;

const frontend = new Map<number, number>([
  [Frontend.Bind, MAX_MESSAGE_BYTES],
  [Frontend.CopyData, MAX_MESSAGE_BYTES],
  [Frontend.FunctionCall, MAX_MESSAGE_BYTES],
  [Frontend.Parse, MAX_MESSAGE_BYTES],
  [Frontend.Query, MAX_MESSAGE_BYTES],
  [Frontend.PasswordMessage, MAX_AUTH_MESSAGE_BYTES],
  [Frontend.Close, MAX_SMALL_MESSAGE_BYTES],
  [Frontend.CopyDone, MAX_SMALL_MESSAGE_BYTES],
  [Frontend.CopyFail, MAX_SMALL_MESSAGE_BYTES],
  [Frontend.Describe, MAX_SMALL_MESSAGE_BYTES],
  [Frontend.Execute, MAX_SMALL_MESSAGE_BYTES],
  [Frontend.Flush, MAX_SMALL_MESSAGE_BYTES],
  [Frontend.Sync, MAX_SMALL_MESSAGE_BYTES],
  [Frontend.Terminate, MAX_SMALL_MESSAGE_BYTES],
]);

const longReplies = new Set<number>([
  Backend.CopyData,
  Backend.DataRow,
  Backend.ErrorResponse,
  Backend.FunctionCallResponse,
  Backend.NoticeResponse,
  Backend.NotificationResponse,
  Backend.RowDescription,
  // libpq has no ParameterDescription here before 9.6's fix: 65,535 parameters are 262 kB.
  Backend.ParameterDescription,
]);
const replies = new Set<number>(Object.values(Backend));

/** Length word that a client's message of this type may have at most; 0 when there is no such type. */
export function frontendLimit(type: number): number {
  return frontend.get(type) ?? 0;
}

/** Length word that a server's message of this type may have at most; 0 when there is no such type. */
export function backendLimit(type: number): number {
  if (!replies.has(type)) return 0;
  return longReplies.has(type) ? MAX_MESSAGE_BYTES : MAX_SHORT_REPLY_BYTES;
}
