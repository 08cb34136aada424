import { createHash, randomBytes } from 'node:crypto';
import { request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { exits, Failure } from '../failures.ts';

/** What the gateway's token endpoint gives. @see RFC 6749, 5.1 */
export interface Tokens {
  readonly accessToken: string;
  readonly expiresAt: Date;
  readonly refreshToken: string;
}

export interface Gateway {
  readonly url: string;
  /** PEM of the pinned certificate. */
  readonly ca: string | undefined;
}

export const clientId = 'sallyport-cli';
const PATIENCE_MS = 30_000;
const MAX_ANSWER_BYTES = 64 * 1024;

export interface DeviceAnswer {
  readonly deviceCode: string;
  readonly userCode: string;
  readonly link: string;
  readonly intervalMs: number;
  readonly endsAt: Date;
}

/** A secret and what is shown of it beforehand. @see RFC 7636 */
export function newProof(): { verifier: string; challenge: string } {
  const verifier = randomBytes(32).toString('base64url');
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') };
}

export async function redeemCode(
  gateway: Gateway,
  fields: { code: string; redirectUri: string; verifier: string },
): Promise<Tokens> {
  const { code, redirectUri, verifier } = fields;
  const form = { grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: verifier };
  return tokensOf(await post(gateway, '/oauth/token', form));
}

export async function refreshed(gateway: Gateway, refreshToken: string): Promise<Tokens> {
  return tokensOf(await post(gateway, '/oauth/token', { grant_type: 'refresh_token', refresh_token: refreshToken }));
}

export async function revoke(gateway: Gateway, token: string): Promise<void> {
  await post(gateway, '/oauth/revoke', { token });
}

export async function beginDevice(gateway: Gateway): Promise<DeviceAnswer> {
  const answer = await post(gateway, '/oauth/device_authorization', {});
  const { device_code, user_code, verification_uri_complete, interval = 5, expires_in } = answer as Answer;
  return {
    deviceCode: String(device_code),
    userCode: String(user_code),
    link: String(verification_uri_complete),
    intervalMs: Number(interval) * 1000,
    endsAt: new Date(Date.now() + Number(expires_in) * 1000),
  };
}

/** Asks until somebody has decided. @throws Failure where they said no, or nobody did in time */
export async function awaitDevice(gateway: Gateway, device: DeviceAnswer, signal: AbortSignal): Promise<Tokens> {
  const form = { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code: device.deviceCode };
  for (let waitMs = device.intervalMs; ; ) {
    await pause(waitMs, signal);
    try {
      return tokensOf(await post(gateway, '/oauth/token', form));
    } catch (error) {
      const code = error instanceof OAuthError ? error.code : '';
      if (code === 'slow_down') waitMs += 5_000;
      else if (code !== 'authorization_pending') throw error;
    }
  }
}

/** RFC 8628, 3.5: the interval is the server's to say. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    });
  });
}

/** The gateway said no; the message is its own. */
export class OAuthError extends Failure {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message === '' ? `the gateway refused: ${code}` : message, {
      hint: 'Sign in again with: sallyport login',
      exitCode: exits.notSignedIn,
    });
    this.code = code;
  }
}

type Answer = Readonly<Record<string, unknown>>;

function tokensOf({ access_token, refresh_token, expires_in }: Answer): Tokens {
  if (typeof access_token !== 'string' || typeof refresh_token !== 'string') {
    throw new Failure('the gateway answered without a token');
  }
  const expiresAt = new Date(Date.now() + Number(expires_in) * 1000);
  return { accessToken: access_token, refreshToken: refresh_token, expiresAt };
}

function post({ url, ca }: Gateway, path: string, fields: Readonly<Record<string, string>>): Promise<Answer> {
  const body = new URLSearchParams({ client_id: clientId, ...fields }).toString();
  const options = {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', 'content-length': Buffer.byteLength(body) },
    timeout: PATIENCE_MS,
    // A pinned certificate may be the gateway's own and no authority's.
    ...(ca === undefined ? {} : { ca, allowPartialTrustChain: true }),
  };
  return new Promise((resolve, reject) => {
    const send = url.startsWith('https:') ? tlsRequest : plainRequest;
    const request = send(new URL(path, url), options, (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > MAX_ANSWER_BYTES) request.destroy(new Error('it answered too much'));
        chunks.push(chunk);
      });
      response.on('end', () => {
        const answer = parsed(Buffer.concat(chunks).toString('utf8'));
        if (response.statusCode === 200 && answer !== undefined) return resolve(answer);
        const code = String(answer?.['error'] ?? `HTTP ${response.statusCode}`);
        reject(new OAuthError(code, String(answer?.['error_description'] ?? '')));
      });
    });
    request.on('timeout', () => request.destroy(new Error('it does not answer')));
    request.on('error', (error) => {
      reject(new Failure(`${url} cannot be reached: ${error.message}`, { exitCode: exits.unavailable }));
    });
    request.end(body);
  });
}

function parsed(text: string): Answer | undefined {
  try {
    return JSON.parse(text) as Answer;
  } catch {
    return undefined;
  }
}
