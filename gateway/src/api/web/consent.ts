import type { Device } from '../../identity/oauth/authorization.ts';
import type { BrowserSession } from '../../identity/oauth/browsers.ts';
import type { Client } from '../../identity/oauth/clients.ts';
import type { Exchange } from './exchange.ts';
import { errorNote, escaped, page, pageHeaders } from './html.ts';

const yesOrNo =
  '<button class="primary" type="submit" name="answer" value="yes">Yes, sign in</button>' +
  '<button type="submit" name="answer" value="no">No</button>';

const passedOn = ['client_id', 'redirect_uri', 'response_type', 'code_challenge', 'code_challenge_method', 'state'];

/** Whether a program on the person's machine may have a token. */
export function consentPage(
  exchange: Exchange,
  { principal }: BrowserSession,
  client: Client,
  asked: URLSearchParams,
  redirectUri: string,
): void {
  const fields = passedOn
    .filter((name) => asked.has(name))
    .map((name) => `<input type="hidden" name="${name}" value="${escaped(asked.get(name) ?? '')}">`);
  const body =
    `<p>Sign in <strong>${escaped(client.label)}</strong> on this machine as <strong>${escaped(principal.name)}</strong>?</p>` +
    '<p class="dim">Say yes only if you have just started it.</p>' +
    `<form method="post" action="/oauth/authorize">${fields.join('')}${yesOrNo}</form>`;
  exchange.send(200, pageHeaders(new URL(redirectUri).origin), page('Sign in', body));
}

/** Whether a program elsewhere, which shows this code, may have a token. */
export function devicePage(exchange: Exchange, { principal }: BrowserSession, label: string, waiting: Device): void {
  const { userCode, address, askedAt } = waiting;
  const body =
    `<p>Sign in <strong>${escaped(label)}</strong> as <strong>${escaped(principal.name)}</strong>?</p>` +
    `<p class="code">${escaped(userCode)}</p><dl><dt>Asked from</dt><dd>${escaped(address)}</dd>` +
    `<dt>At</dt><dd>${new Date(askedAt).toISOString()}</dd></dl>` +
    '<p class="dim">Say yes only if you have just started it, and it shows this code.</p>' +
    `<form method="post" action="/device"><input type="hidden" name="user_code" value="${escaped(userCode)}">${yesOrNo}</form>`;
  exchange.send(200, pageHeaders(), page('Sign in a device', body));
}

export function deviceDonePage(exchange: Exchange, isApproved: boolean): void {
  const said = isApproved ? 'It goes on by itself; you may close this page.' : 'It was turned away.';
  exchange.send(200, pageHeaders(), page(isApproved ? 'Signed in' : 'Turned away', `<p>${said}</p>`));
}

export function typeCodePage(exchange: Exchange, problem?: string): void {
  const body =
    `${errorNote(problem)}<p>Type the code that the program shows.</p><form method="get" action="/device">` +
    '<label>Code<input name="user_code" autocomplete="off" required maxlength="16"></label>' +
    '<button class="primary" type="submit">Go on</button></form>';
  exchange.send(problem === undefined ? 200 : 400, pageHeaders(), page('Sign in a device', body));
}

export function refusedPage(exchange: Exchange, message: string): void {
  exchange.send(400, pageHeaders(), page('This cannot go on', errorNote(message)));
}
