import { keepToken } from './token.ts';

const clientId = 'sallyport-console';
const redirectUri = (): string => `${location.origin}/signed-in`;
const memory = 'sallyport.sign-in';

interface Begun {
  readonly verifier: string;
  readonly state: string;
  readonly returnTo: string;
}

/** Leaves for the gateway's sign-in page; the browser comes back to `/signed-in`. @see RFC 7636 */
export async function beginSignIn(): Promise<void> {
  const [verifier, state] = [random(), random()];
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier));
  const here = `${location.pathname}${location.search}`;
  const begun: Begun = { verifier, state, returnTo: here.startsWith('/signed-in') ? '/' : here };
  sessionStorage.setItem(memory, JSON.stringify(begun));
  location.assign(
    `/oauth/authorize?${new URLSearchParams({
      response_type: 'code',
      client_id: clientId,
      redirect_uri: redirectUri(),
      code_challenge: base64url(new Uint8Array(digest)),
      code_challenge_method: 'S256',
      state,
    })}`,
  );
}

/** Takes the token that the browser came back with a code for. Resolves to where to go on. @throws Error for people */
export async function finishSignIn(): Promise<string> {
  const begun = JSON.parse(sessionStorage.getItem(memory) ?? 'null') as Begun | null;
  sessionStorage.removeItem(memory);
  const answer = new URLSearchParams(location.search);
  const code = answer.get('code');
  if (begun === null || answer.get('state') !== begun.state || code === null) {
    throw new Error('This sign-in was begun elsewhere, or was turned down.');
  }
  const form = {
    grant_type: 'authorization_code',
    client_id: clientId,
    code,
    redirect_uri: redirectUri(),
    code_verifier: begun.verifier,
  };
  const response = await fetch('/oauth/token', { method: 'POST', body: new URLSearchParams(form) });
  const given = (await response.json()) as { access_token?: string; error_description?: string };
  if (given.access_token === undefined) throw new Error(given.error_description ?? 'The gateway gave no token.');
  keepToken(given.access_token);
  return begun.returnTo;
}

/** Ends the browser's sign-in too: a form, because the gateway may send the browser on to its identity provider. */
export function signOutEverywhere(): void {
  const form = document.createElement('form');
  form.method = 'post';
  form.action = '/signout';
  document.body.append(form);
  form.submit();
}

const random = (): string => base64url(crypto.getRandomValues(new Uint8Array(32)));

const base64url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
