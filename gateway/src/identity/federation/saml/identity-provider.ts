import { X509Certificate } from 'node:crypto';
import { Unavailable } from '@sallyport/shared/errors/errors.ts';
import { insecureUrl } from '../../provider.ts';
import { dereference } from '../reference.ts';
import type { NamedProvider, SamlSpec } from '../spec.ts';
import { isNamed, namespaces, readXml, type XmlDocument } from './xml.ts';

/** What is known of a SAML identity provider. */
export interface SamlIdp {
  readonly entityId: string;
  /** Single sign-on, HTTP-Redirect binding. */
  readonly entryPoint: string;
  readonly logoutUrl: string | undefined;
  /** PEM: what its assertions are signed with. Never empty. */
  readonly certificates: readonly string[];
}

const REDIRECT = 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect';
const MAX_METADATA = 1024 * 1024;
const MIN_RSA_BITS = 2048;

/** Reads the resource, and the files that it names, anew. @throws Unavailable that says what is wrong */
export async function readIdp({ name, spec }: NamedProvider<SamlSpec>): Promise<SamlIdp> {
  const found = spec.metadata === undefined ? {} : await fromMetadata(name, spec.metadata);
  const own = spec.idpCert === undefined ? undefined : await Promise.all([spec.idpCert].flat().map(readCert(name)));
  const entityId = spec.issuer ?? found.entityId;
  const entryPoint = spec.entryPoint ?? found.entryPoint;
  const certificates = (own ?? found.certificates ?? []).map((text) => certificate(name, text));
  if (entityId === undefined || entityId === '') throw unusable(name, 'its entity id (issuer) is not known');
  if (entryPoint === undefined) throw unusable(name, 'its metadata has no single sign-on address for HTTP-Redirect');
  if (certificates.length === 0) throw unusable(name, 'its metadata has no certificate for signatures');
  const logoutUrl = spec.logoutUrl ?? found.logoutUrl;
  for (const url of [entryPoint, logoutUrl]) {
    const wrong = url === undefined ? undefined : insecureUrl(url);
    if (wrong !== undefined) throw unusable(name, `its address ${URL.parse(url ?? '')?.origin}: ${wrong}`);
  }
  return { entityId, entryPoint, logoutUrl, certificates };
}

const readCert = (name: string) => (text: string) => dereference(text, name, 'idpCert');

/** @see SAML 2.0 Metadata, 2.4.3 */
async function fromMetadata(name: string, reference: string): Promise<Partial<SamlIdp>> {
  const text = await dereference(reference, name, 'metadata');
  if (text.length > MAX_METADATA) throw unusable(name, 'its metadata is over 1 MiB');
  const document = await readXml(withoutComments(text)).catch((cause: Error) => {
    throw unusable(name, `its metadata cannot be read: ${cause.message}`, cause);
  });
  const { root } = document;
  if (!isNamed(root, namespaces.metadata, 'EntityDescriptor')) {
    throw unusable(name, 'its metadata is no EntityDescriptor of one provider');
  }
  const entityId = root.getAttribute('entityID');
  const [entryPoint, logoutUrl] = ['SingleSignOnService', 'SingleLogoutService'].map((service) =>
    location(document, service),
  );
  return {
    ...(entityId === null ? {} : { entityId }),
    ...(entryPoint === undefined ? {} : { entryPoint }),
    logoutUrl,
    certificates: document
      .select(
        `${descriptor}/*[local-name()='KeyDescriptor'][not(@use) or @use='signing']//*[local-name()='X509Certificate']`,
      )
      .map(({ textContent }) => textContent ?? ''),
  };
}

const descriptor = "/*/*[local-name()='IDPSSODescriptor']";

/** An administrator's own file may be commented; nothing of it is signed. */
const withoutComments = (text: string): string => text.replaceAll(/<!--[\s\S]*?-->/g, '');

const location = ({ select }: XmlDocument, service: string): string | undefined =>
  select(`${descriptor}/*[local-name()='${service}'][@Binding='${REDIRECT}']`)[0]?.getAttribute('Location') ??
  undefined;

function certificate(name: string, text: string): string {
  const body = text.includes('-----BEGIN') ? text : pem(text);
  let read: X509Certificate;
  try {
    read = new X509Certificate(body);
  } catch (cause) {
    throw unusable(name, 'its certificate (idpCert) cannot be read', cause);
  }
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = read.publicKey;
  if (type !== 'rsa' || (details?.modulusLength ?? 0) < MIN_RSA_BITS) {
    throw unusable(name, `its certificate is of no RSA key of at least ${MIN_RSA_BITS} bits`);
  }
  return read.toString();
}

const pem = (base64: string): string =>
  `-----BEGIN CERTIFICATE-----\n${base64.replaceAll(/\s+/g, '').replaceAll(/(.{64})/g, '$1\n')}\n-----END CERTIFICATE-----\n`;

export const unusable = (name: string, why: string, cause?: unknown): Unavailable =>
  new Unavailable('identity', 'ERR_IDENTITY_UNAVAILABLE', `the identity provider ${name} cannot be used: ${why}`, {
    cause,
  });
