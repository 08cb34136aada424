import { explain, readBounded } from '../../outbound/answer.ts';
import { Undeliverable } from '../channel.ts';

const MAX_PATIENCE_MS = 60 * 60 * 1000;

/** Statuses after which the same may be taken later (RFC 9110, 15.5; RFC 6585, 4; RFC 8470, 5.2). */
const passing = new Set([408, 425, 429]);

/** Posts and wants a 2xx. Redirects are not followed: what is sent is for the address that was written. @throws Undeliverable */
export async function post(
  url: string,
  body: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<void> {
  let response: Response;
  try {
    response = await fetch(url, { method: 'POST', body, headers, redirect: 'manual', signal });
  } catch (error) {
    throw new Undeliverable(explain(error), { mayRetry: true });
  }
  if (response.ok) return void (await response.body?.cancel());
  const said = await readBounded(response).catch(() => '');
  const { status } = response;
  const reason = said.slice(0, 200).replace(/\s+/g, ' ').trim();
  throw new Undeliverable(`it answered ${status}${reason === '' ? '' : `: ${reason}`}`, {
    mayRetry: status >= 500 || passing.has(status),
    afterMs: patience(response.headers.get('retry-after')),
  });
}

/** Retry-After in milliseconds, within reason (RFC 9110, 10.2.3). */
function patience(text: string | null): number | undefined {
  if (text === null) return undefined;
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isFinite(ms) && ms > 0 ? Math.min(ms, MAX_PATIENCE_MS) : undefined;
}
