import assert from 'node:assert/strict';
import type { SignedIn } from '@sallyport/gateway/src/identity/federation/browser-provider.ts';
import type { Denial } from '@sallyport/shared/access/verdict.ts';
import { Unavailable } from '@sallyport/shared/errors/errors.ts';

export async function accepted(answer: Promise<SignedIn | Denial>): Promise<SignedIn> {
  const signedIn = await answer;
  assert.ok('principal' in signedIn, JSON.stringify(signedIn));
  return signedIn;
}

export async function denied(answer: Promise<object>, wanted: RegExp): Promise<void> {
  const denial = await answer;
  assert.ok('message' in denial, `somebody was let in: ${JSON.stringify(denial)}`);
  assert.match(String(denial.message), wanted);
}

export async function unavailable(answer: Promise<unknown>, wanted: RegExp): Promise<void> {
  await assert.rejects(answer, (error: unknown) => {
    assert.ok(error instanceof Unavailable, String(error));
    assert.match(error.message, wanted);
    return true;
  });
}
