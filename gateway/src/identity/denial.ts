import type { Denial } from '@sallyport/shared/access/verdict.ts';
import type { StoredToken } from './store.ts';

const signIn = 'Sign in with "sallyport login", or get a token with "sallyport token" and use it as the password.';

/** Turns somebody away because it is not known who they are. */
export function refusal(message: string, hint: string = signIn): Denial {
  return { reason: 'unauthenticated', message, hint };
}

/** Where a token is for another connection than the wanted one. */
export function forAnother(
  { connection }: Pick<StoredToken, 'connection'>,
  wanted: string | undefined,
): Denial | undefined {
  if (connection === undefined || wanted === undefined || wanted === connection) return undefined;
  const message = `the token opens the connection "${connection}" only`;
  return { reason: 'forbidden', message, hint: `Get one for "${wanted}" with "sallyport token".` };
}
