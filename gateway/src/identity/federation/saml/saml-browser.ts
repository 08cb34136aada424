import { randomBytes } from 'node:crypto';
import { generateServiceProviderMetadata, SAML, type SamlConfig, ValidateInResponseTo } from '@node-saml/node-saml';
import type { Denial } from '@sallyport/shared/access/verdict.ts';
import { hasControls } from '../../claims.ts';
import { refusal } from '../../denial.ts';
import { mapGroups } from '../../group-rules.ts';
import type { BrowserProvider, Callback, Json, ProviderSession, SignedIn } from '../browser-provider.ts';
import { again } from '../oidc-failure.ts';
import { dereference } from '../reference.ts';
import type { ReplayCache } from '../replay-cache.ts';
import type { NamedProvider, SamlSpec } from '../spec.ts';
import { type Asserted, AssertionRefused, type Parsed, readAssertion, SKEW_MS } from './assertion.ts';
import { readIdp, type SamlIdp } from './identity-provider.ts';
import { logoutRequestUrl } from './logout-request.ts';
import { type Envelope, readResponse } from './response.ts';
import { XmlRefused } from './xml.ts';

export interface SamlBrowserParts {
  readonly replay: ReplayCache;
  readonly clock: () => number;
  /** The gateway's own entity id where the resource has none. */
  readonly publicUrl: string;
}

/** How long a session is where the provider does not say: a working day. */
const SESSION_MS = 8 * 3_600_000;

interface Memory {
  readonly provider: string;
  readonly redirectUri: string;
  readonly requestId: string;
}

/** Sign-in by SAML 2.0: a request by redirect, a signed assertion by form post. @see SAML 2.0 Profiles, 4.1 */
export class SamlBrowser implements BrowserProvider {
  readonly kind = 'saml';
  readonly name: string;
  readonly label: string;
  readonly #named: NamedProvider<SamlSpec>;
  readonly #parts: SamlBrowserParts;
  /** As they were read last: for what cannot wait for files. */
  #idp: SamlIdp | undefined;
  #privateKey: string | undefined;

  constructor(named: NamedProvider<SamlSpec>, parts: SamlBrowserParts) {
    this.name = named.name;
    this.label = named.spec.label ?? named.name;
    this.#named = named;
    this.#parts = parts;
  }

  get idPrefix(): string | undefined {
    const entityId = this.#named.spec.issuer ?? this.#idp?.entityId;
    return entityId === undefined ? undefined : `saml:${entityId}#`;
  }

  async begin({ state, redirectUri }: { state: string; redirectUri: string }) {
    const requestId = `_${randomBytes(20).toString('hex')}`;
    const saml = new SAML(await this.#options(redirectUri, requestId));
    const location = await saml.getAuthorizeUrlAsync(state, undefined, {});
    const memory: Memory = { provider: this.name, redirectUri, requestId };
    return { location, memory: { ...memory } };
  }

  async complete({ url, form }: Callback, memory: Json): Promise<SignedIn | Denial> {
    const kept = this.#readMemory(memory, url);
    if ('message' in kept) return kept;
    const response = form?.get('SAMLResponse') ?? '';
    if (response === '') return refusal('your identity provider sent no SAML response', again);
    const options = await this.#options(kept.redirectUri);
    try {
      const envelope = await readResponse(response, this.#privateKey);
      const refused = this.#refusedEnvelope(envelope, kept);
      if (refused !== undefined) return refused;
      return await this.#accept(await this.#verify(options, response), kept);
    } catch (error) {
      return this.#explain(error);
    }
  }

  signOutUrl({ providerSession }: { providerSession: ProviderSession }, returnTo: string): string | undefined {
    const logoutUrl = this.#named.spec.logoutUrl ?? this.#idp?.logoutUrl;
    if (logoutUrl === undefined) return undefined;
    return logoutRequestUrl({
      logoutUrl,
      spEntityId: this.#spEntityId,
      session: providerSession,
      relayState: returnTo,
      privateKey: this.#privateKey,
    });
  }

  async metadata(acsUrl: string): Promise<string> {
    const { spec, name } = this.#named;
    const certificate = spec.certificate && (await dereference(spec.certificate, name, 'certificate'));
    const keys = spec.privateKey !== undefined && certificate !== undefined && certificate !== '';
    const privateKey = keys ? await dereference(spec.privateKey, name, 'privateKey') : undefined;
    return generateServiceProviderMetadata({
      issuer: this.#spEntityId,
      callbackUrl: acsUrl,
      wantAssertionsSigned: true,
      identifierFormat: null,
      ...(privateKey === undefined || !certificate
        ? {}
        : { privateKey, decryptionPvk: privateKey, publicCerts: certificate, decryptionCert: certificate }),
    });
  }

  get #spEntityId(): string {
    return this.#named.spec.spEntityId ?? this.#parts.publicUrl;
  }

  async #options(callbackUrl: string, requestId = ''): Promise<SamlConfig> {
    const { spec, name } = this.#named;
    const idp = await readIdp(this.#named);
    this.#idp = idp;
    const key = spec.privateKey === undefined ? undefined : await dereference(spec.privateKey, name, 'privateKey');
    this.#privateKey = key;
    return {
      callbackUrl,
      issuer: this.#spEntityId,
      audience: this.#spEntityId,
      entryPoint: idp.entryPoint,
      idpCert: [...idp.certificates],
      wantAssertionsSigned: true,
      wantAuthnResponseSigned: false,
      // Requests are in the caller's keeping, so that nobody's bad answer uses one up.
      validateInResponseTo: ValidateInResponseTo.never,
      acceptedClockSkewMs: SKEW_MS,
      identifierFormat: null,
      disableRequestedAuthnContext: true,
      generateUniqueId: () => requestId,
      signatureAlgorithm: 'sha256',
      ...(key === undefined ? {} : { privateKey: key, decryptionPvk: key }),
    };
  }

  #readMemory(memory: Json, url: URL): (Omit<Memory, 'requestId'> & { requestId: string | undefined }) | Denial {
    if (memory === null) {
      if (this.#named.spec.allowIdpInitiated === true) {
        return { provider: this.name, redirectUri: `${url.origin}${url.pathname}`, requestId: undefined };
      }
      return refusal('this sign-in was not begun here, or is over', again);
    }
    const kept = memory as unknown as Partial<Memory>;
    const whole = typeof kept.requestId === 'string' && kept.requestId !== '' && typeof kept.redirectUri === 'string';
    return whole && kept.provider === this.name ? (kept as Memory) : refusal('this sign-in was begun elsewhere', again);
  }

  #refusedEnvelope(envelope: Envelope, kept: { redirectUri: string; requestId: string | undefined }) {
    const { issuer, destination, inResponseTo, status } = envelope;
    if (issuer !== undefined && issuer !== this.#idp?.entityId) return denied('it is from another issuer');
    if (status !== 'Success') return refusal(`your identity provider refused the sign-in (${status})`, again);
    if (destination !== undefined && destination !== kept.redirectUri)
      return denied('it was sent to another destination');
    if (inResponseTo !== kept.requestId) return denied('it answers another request');
    return undefined;
  }

  async #verify(options: SamlConfig, response: string): Promise<Parsed> {
    const { profile } = await new SAML(options).validatePostResponseAsync({ SAMLResponse: response });
    // Parsed from the very bytes whose signature was found right.
    const parsed = profile?.getAssertion?.() as { Assertion?: Parsed } | undefined;
    if (parsed?.Assertion === undefined) throw new AssertionRefused('it has no assertion');
    return parsed.Assertion;
  }

  async #accept(assertion: Parsed, kept: { redirectUri: string; requestId: string | undefined }) {
    const { clock, replay } = this.#parts;
    const idpEntityId = this.#idp?.entityId ?? '';
    const { redirectUri: acsUrl, requestId } = kept;
    const asserted = readAssertion(assertion, {
      idpEntityId,
      spEntityId: this.#spEntityId,
      acsUrl,
      requestId,
      now: clock(),
    });
    if (hasControls(asserted.nameId)) return denied('its NameID is unusable');
    if (!(await replay.use(`saml ${idpEntityId} ${asserted.id}`, asserted.ends))) return denied('it was used before');
    return this.#signedIn(idpEntityId, asserted);
  }

  #signedIn(idpEntityId: string, asserted: Asserted): SignedIn {
    const { nameId, attributes, sessionIndex, nameIdFormat, sessionEnd } = asserted;
    const { nameAttribute, groupsAttribute = 'groups', groups } = this.#named.spec;
    const [name] = nameAttribute === undefined ? [] : (attributes[nameAttribute] ?? []);
    const usable = name !== undefined && name.length <= 255 && !hasControls(name);
    return {
      principal: {
        id: `saml:${idpEntityId}#${nameId}`,
        name: usable ? name : nameId,
        groups: mapGroups(groups, [...new Set(attributes[groupsAttribute] ?? [])]),
        claims: attributes,
      },
      expiresAt: sessionEnd ?? this.#parts.clock() + SESSION_MS,
      providerSession: {
        subject: nameId,
        ...(sessionIndex === undefined ? {} : { sid: sessionIndex }),
        ...(nameIdFormat === undefined ? {} : { nameIdFormat }),
      },
    };
  }

  /** What the library says of a response may quote it; ours is a word of our own. */
  #explain(error: unknown): Denial {
    if (error instanceof XmlRefused || error instanceof AssertionRefused) return denied(error.message);
    const said = error instanceof Error ? error.message : '';
    if (/expired|not yet valid/i.test(said)) return denied('it has expired, or does not hold yet');
    if (/audience/i.test(said)) return denied('it was made for another audience');
    if (/signature/i.test(said)) return denied('its signature is wrong');
    return denied('it cannot be read');
  }
}

const denied = (why: string): Denial => refusal(`the response of your identity provider does not hold: ${why}`, again);
