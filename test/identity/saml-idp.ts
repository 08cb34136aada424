import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SignedXml } from 'xml-crypto';

export const acsUrl = 'http://127.0.0.1:1/saml';
export const spEntityId = 'https://sallyport.example.com';
export const idpEntityId = 'https://idp.example.com';

export interface Pair {
  readonly key: string;
  readonly certificate: string;
}

/** A key and its self-signed certificate. */
export function pair(): Pair {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-saml-'));
  const [key, certificate] = [join(folder, 'key'), join(folder, 'crt')];
  const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=idp'];
  execFileSync('openssl', [...request, '-keyout', key, '-out', certificate], { stdio: 'ignore' });
  const made = { key: readFileSync(key, 'utf8'), certificate: readFileSync(certificate, 'utf8') };
  rmSync(folder, { recursive: true });
  return made;
}

const at = (seconds: number): string => new Date(Date.now() + seconds * 1000).toISOString();

/** What a response may say otherwise than a right one. */
export interface Otherwise {
  id?: string;
  nameId?: string;
  audience?: string;
  recipient?: string;
  destination?: string;
  issuer?: string;
  inResponseTo?: string;
  from?: number;
  until?: number;
}

export function assertionXml(requestId: string, other: Otherwise = {}): string {
  const { id = `_${crypto.randomUUID()}`, nameId = 'alice@example.com', from = -5, until = 300 } = other;
  const { audience = spEntityId, recipient = acsUrl, issuer = idpEntityId, inResponseTo = requestId } = other;
  return (
    `<a:Assertion xmlns:a="urn:oasis:names:tc:SAML:2.0:assertion" ID="${id}" Version="2.0" IssueInstant="${at(0)}">` +
    `<a:Issuer>${issuer}</a:Issuer><a:Subject><a:NameID>${nameId}</a:NameID>` +
    `<a:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><a:SubjectConfirmationData InResponseTo="${inResponseTo}"` +
    ` Recipient="${recipient}" NotOnOrAfter="${at(until)}"/></a:SubjectConfirmation></a:Subject>` +
    `<a:Conditions NotBefore="${at(from)}" NotOnOrAfter="${at(until)}"><a:AudienceRestriction><a:Audience>${audience}</a:Audience>` +
    `</a:AudienceRestriction></a:Conditions><a:AuthnStatement AuthnInstant="${at(0)}" SessionIndex="s1"/>` +
    '<a:AttributeStatement><a:Attribute Name="groups"><a:AttributeValue>dba</a:AttributeValue>' +
    '<a:AttributeValue>ops</a:AttributeValue></a:Attribute></a:AttributeStatement></a:Assertion>'
  );
}

export const responseXml = (assertion: string, requestId: string, { destination = acsUrl }: Otherwise = {}): string =>
  `<p:Response xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol" ID="_${crypto.randomUUID()}" Version="2.0" InResponseTo="${requestId}"` +
  ` Destination="${destination}" IssueInstant="${at(0)}"><a:Issuer xmlns:a="urn:oasis:names:tc:SAML:2.0:assertion">${idpEntityId}</a:Issuer>` +
  '<p:Status><p:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></p:Status>' +
  `${assertion}</p:Response>`;

/** Signs the first element of this name, its signature within it. */
export function signed(xml: string, { key }: Pair, element = 'Assertion', hash: 'sha256' | 'sha1' = 'sha256'): string {
  const dsig = 'http://www.w3.org/2000/09/xmldsig#';
  const weak = hash === 'sha1';
  const signer = new SignedXml({
    privateKey: key,
    idAttribute: 'ID',
    canonicalizationAlgorithm: 'http://www.w3.org/2001/10/xml-exc-c14n#',
    signatureAlgorithm: weak ? `${dsig}rsa-sha1` : 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
  });
  signer.addReference({
    xpath: `//*[local-name(.)='${element}']`,
    transforms: [`${dsig}enveloped-signature`, 'http://www.w3.org/2001/10/xml-exc-c14n#'],
    digestAlgorithm: weak ? `${dsig}sha1` : 'http://www.w3.org/2001/04/xmlenc#sha256',
  });
  const location = `//*[local-name(.)='${element}']/*[local-name(.)='Issuer']`;
  signer.computeSignature(xml, { location: { reference: location, action: 'after' } });
  return signer.getSignedXml();
}
