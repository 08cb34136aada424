import type { Denial } from '@sallyport/shared/access/verdict.ts';

const signIn = 'Sign in with "sallyport login", or get a token with "sallyport token" and use it as the password.';

/** Turns somebody away because it is not known who they are. */
export function refusal(message: string, hint: string = signIn): Denial {
  return { reason: 'unauthenticated', message, hint };
}
