import { decodeParameterStatus } from '@sallyport/shared/wire/postgres/backend.ts';

/** Reported settings whose values come from the server or from short lists. */
const closed = new Set([
  'client_encoding',
  'DateStyle',
  'default_transaction_read_only',
  'in_hot_standby',
  'integer_datetimes',
  'IntervalStyle',
  'is_superuser',
  'server_encoding',
  'server_version',
  'session_authorization',
  'standard_conforming_strings',
]);

/** Names of the time zone database; what else the server takes (POSIX rules) has digits, and can spell anything. */
const zoneName = /^(?:[A-Za-z_/-]{1,64}|Etc\/GMT[+-]\d{1,2})$/;

/**
 * Whether a client behind a veil may be told of a setting: `set_config('application_name', ssn, false)` would tell it
 * the value. A ParameterStatus that is left out changes nothing but what the client knows. @throws WireError
 */
export function mayReport(buffer: Buffer, start: number, end: number): boolean {
  const { name, value } = decodeParameterStatus(buffer, start, end);
  return closed.has(name) || (name === 'TimeZone' && zoneName.test(value));
}
