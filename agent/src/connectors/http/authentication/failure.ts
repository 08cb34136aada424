import { Unavailable } from '@sallyport/shared/errors/errors.ts';

/** The target, or whoever gives tokens for it, does not take the credential. Never holds a secret. */
export const authFailed = (message: string, cause?: unknown): Unavailable =>
  new Unavailable('target', 'ERR_TARGET_AUTH', message, { cause });
