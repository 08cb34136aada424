import { createHash } from 'node:crypto';

/** What a PasswordMessage says to AuthenticationMD5Password; `salt` has 4 bytes. @see PostgreSQL manual 55.2.1 */
export function md5Password(user: string, password: string, salt: Uint8Array): string {
  const inner = createHash('md5').update(password).update(user).digest('hex');
  return `md5${createHash('md5').update(inner).update(salt).digest('hex')}`;
}
