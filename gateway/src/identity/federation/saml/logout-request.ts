import { randomUUID, sign } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import type { ProviderSession } from '../browser-provider.ts';
import { namespaces } from './xml.ts';

const SIGNATURE = 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256';

export interface LogoutParts {
  readonly logoutUrl: string;
  readonly spEntityId: string;
  readonly session: ProviderSession;
  readonly relayState: string;
  /** PEM; unsigned without. */
  readonly privateKey: string | undefined;
}

/** Where a browser goes to end the provider's session. @see SAML 2.0 Core, 3.7.1; Bindings, 3.4.4 */
export function logoutRequestUrl({ logoutUrl, spEntityId, session, relayState, privateKey }: LogoutParts): string {
  const { subject, sid, nameIdFormat } = session;
  const format = nameIdFormat === undefined ? '' : ` Format="${quoted(nameIdFormat)}"`;
  const index = sid === undefined ? '' : `<p:SessionIndex>${quoted(sid)}</p:SessionIndex>`;
  const xml =
    `<p:LogoutRequest xmlns:p="${namespaces.protocol}" xmlns:a="${namespaces.assertion}" ID="_${randomUUID()}" Version="2.0"` +
    ` IssueInstant="${new Date().toISOString()}" Destination="${quoted(logoutUrl)}"><a:Issuer>${quoted(spEntityId)}</a:Issuer>` +
    `<a:NameID${format}>${quoted(subject)}</a:NameID>${index}</p:LogoutRequest>`;
  const parameters = new URLSearchParams({
    SAMLRequest: deflateRawSync(xml).toString('base64'),
    RelayState: relayState,
  });
  if (privateKey !== undefined) {
    parameters.set('SigAlg', SIGNATURE);
    parameters.set('Signature', sign('sha256', Buffer.from(parameters.toString()), privateKey).toString('base64'));
  }
  return `${logoutUrl}${logoutUrl.includes('?') ? '&' : '?'}${parameters}`;
}

const named: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};
const quoted = (text: string): string => text.replaceAll(/[&<>"']/g, (character) => named[character] ?? character);
