import { spawn } from 'node:child_process';
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exits, Failure } from '../failures.ts';
import { clientId, type Gateway, newProof, redeemCode, type Tokens } from './oauth.ts';

/** Time for a person to sign in. */
const PATIENCE_MS = 10 * 60_000;

/** Signs in with the browser of this machine: it comes back to a port that only this process has. @see RFC 8252 */
export async function browserLogin(
  gateway: Gateway,
  show: (link: string) => void,
  signal: AbortSignal,
): Promise<Tokens> {
  const { verifier, challenge } = newProof();
  const state = randomBytes(32).toString('base64url');
  const back = Promise.withResolvers<string>();
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    if (url.pathname !== '/signed-in') return void response.writeHead(404).end();
    const outcome = codeOf(url.searchParams, state, gateway.url);
    say(response, typeof outcome === 'string' ? 'You are signed in. You may close this page.' : outcome.message);
    if (typeof outcome === 'string') back.resolve(outcome);
    // What does not carry the state is somebody else's: the person may still come.
    else if (outcome.isOurs) back.reject(new Failure(outcome.message, { exitCode: exits.notSignedIn }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const redirectUri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/signed-in`;
  const late = setTimeout(() => back.reject(new Failure('nobody signed in in time')), PATIENCE_MS);
  const abort = (): void => back.reject(signal.reason as Error);
  signal.addEventListener('abort', abort);
  try {
    const link = new URL('/oauth/authorize', gateway.url);
    link.search = new URLSearchParams({
      response_type: 'code',
      client_id: clientId,
      redirect_uri: redirectUri,
      code_challenge: challenge,
      code_challenge_method: 'S256',
      state,
    }).toString();
    show(link.href);
    openInBrowser(link.href);
    return await redeemCode(gateway, { code: await back.promise, redirectUri, verifier });
  } finally {
    clearTimeout(late);
    signal.removeEventListener('abort', abort);
    server.close();
    server.closeAllConnections();
  }
}

function codeOf(answer: URLSearchParams, state: string, url: string): string | { message: string; isOurs: boolean } {
  const given = Buffer.from(answer.get('state') ?? '');
  const isOurs = given.length === state.length && timingSafeEqual(given, Buffer.from(state));
  if (!isOurs) return { message: 'This answer belongs to another sign-in.', isOurs };
  // RFC 9207: an answer of another server would make us send it our code.
  if (answer.get('iss') !== url) return { message: 'This answer is from another gateway.', isOurs };
  const code = answer.get('code');
  return code ?? { message: `You were not signed in (${answer.get('error') ?? 'no reason given'}).`, isOurs };
}

function say(response: ServerResponse, text: string): void {
  response.writeHead(200, {
    'content-type': 'text/plain; charset=utf-8',
    'cache-control': 'no-store',
    connection: 'close',
  });
  response.end(`${text}\n`);
}

/** Where there is none, the link is on the terminal. */
function openInBrowser(link: string): void {
  const named = process.env['BROWSER'];
  if (named === '') return;
  const opener = named ?? (process.platform === 'darwin' ? 'open' : 'xdg-open');
  const child = spawn(opener, [link], { stdio: 'ignore', detached: true });
  child.on('error', () => undefined);
  child.unref();
}
