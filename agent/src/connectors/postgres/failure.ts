import type { Target } from '@sallyport/shared/access/connection.ts';
import { Unavailable } from '@sallyport/shared/errors/errors.ts';
import type { Fields } from '@sallyport/shared/wire/postgres/fields.ts';

/** What the target itself said no to, in its own words. */
export class TargetRefusal extends Error {
  readonly sqlState: string;
  /** A refusal after a password went out must not lead to a second try with the same password. */
  readonly isBeforeSecret: boolean;

  constructor(fields: Fields, isBeforeSecret: boolean) {
    super(fields['M'] ?? 'no reason given');
    this.sqlState = fields['C'] ?? 'XXXXX';
    this.isBeforeSecret = isBeforeSecret;
  }
}

/** TLS could not be agreed on or the certificate did not pass. */
export class TlsFailure extends Error {}

export function addressOf(target: Target): string {
  return target.host.includes(':') ? `[${target.host}]:${target.port}` : `${target.host}:${target.port}`;
}

export function unreachable(target: Target, why: string, cause?: unknown): Unavailable {
  const text = `The target ${addressOf(target)} cannot be reached: ${why}.`;
  return new Unavailable('target', 'ERR_TARGET_UNREACHABLE', text, { cause });
}

export function authFailed(target: Target, username: string, why: string, cause?: unknown): Unavailable {
  const text = `The target ${addressOf(target)} did not let ${username} in: ${why}.`;
  return new Unavailable('target', 'ERR_TARGET_AUTH', text, { cause });
}

/** Whether the server blames the login (class 28) or anything else, such as too many connections or a missing database. */
export function refusal(target: Target, username: string, error: TargetRefusal): Unavailable {
  const said = `${error.message} (SQLSTATE ${error.sqlState})`;
  const isLogin = error.sqlState.startsWith('28') || error.sqlState === '3D000' || error.sqlState === '42501';
  return isLogin
    ? authFailed(target, username, said, error)
    : unreachable(target, `the server answered: ${said}`, error);
}

/** What a socket's error means for the person who configured the target. */
export function socketReason(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EAI_NONAME':
      return 'its host name does not resolve on the agent; check the name and the agent’s DNS';
    case 'ECONNREFUSED':
      return 'nothing listens there (connection refused); check the port and that the server is up';
    case 'ECONNRESET':
    case 'EPIPE':
      return 'it closed the connection; check that it is a PostgreSQL server';
    case 'ETIMEDOUT':
      return 'it does not answer; check the address and the firewall between it and the agent';
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'there is no route from the agent; check the address and the network';
    default:
      return error.message.replace(/\.$/, '');
  }
}
