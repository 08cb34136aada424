import { decryptXml } from '@node-saml/node-saml/lib/xml.js';
import { isNamed, namespaces, readXml, type XmlDocument, type XmlElement, XmlRefused } from './xml.ts';

const MAX_BYTES = 512 * 1024;

const signatures = [
  'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
  'http://www.w3.org/2001/04/xmldsig-more#rsa-sha512',
];
const digests = ['http://www.w3.org/2001/04/xmlenc#sha256', 'http://www.w3.org/2001/04/xmlenc#sha512'];
const transforms = ['http://www.w3.org/2000/09/xmldsig#enveloped-signature', 'http://www.w3.org/2001/10/xml-exc-c14n#'];
const canonicalizations = ['http://www.w3.org/2001/10/xml-exc-c14n#'];
const contentCiphers = ['http://www.w3.org/2009/xmlenc11#aes128-gcm', 'http://www.w3.org/2009/xmlenc11#aes256-gcm'];
const keyCiphers = ['http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p', 'http://www.w3.org/2009/xmlenc11#rsa-oaep'];

/** What a response says outside of what is signed; checked against the request all the same. */
export interface Envelope {
  readonly issuer: string | undefined;
  readonly destination: string | undefined;
  readonly inResponseTo: string | undefined;
  /** The last part of the status code: `Success`, `AuthnFailed`, … */
  readonly status: string;
}

/**
 * Reads a response that nobody vouches for yet and refuses every form but one: a Response with one Assertion (or one that is
 * encrypted), signatures only as children of these two, each id once, strong algorithms. What wraps a signed element to
 * show another has none of these forms.
 * @see SAML 2.0 Core, 5.4; Somorovsky et al., «On Breaking SAML», 2012 @throws XmlRefused
 */
export async function readResponse(base64: string, decryptionKey: string | undefined): Promise<Envelope> {
  const document = await readXml(decode(base64));
  const { root, select } = document;
  if (!isNamed(root, namespaces.protocol, 'Response')) throw new XmlRefused('it is no Response');
  if (root.getAttribute('Version') !== '2.0') throw new XmlRefused('it is not of SAML 2.0');
  checkIds(document);
  checkSignatures(document);
  const status = statusOf(document);
  // A refusal brings no assertion, and is no one's proof.
  if (status === 'Success') await checkAssertion(document, decryptionKey);
  const [issuer] = select(`/*/*[local-name()='Issuer' and namespace-uri()='${namespaces.assertion}']`);
  return {
    issuer: issuer?.textContent?.trim() || undefined,
    destination: root.getAttribute('Destination') || undefined,
    inResponseTo: root.getAttribute('InResponseTo') || undefined,
    status,
  };
}

function decode(base64: string): string {
  if (base64.length > MAX_BYTES) throw new XmlRefused('it is over 512 KiB');
  if (!/^[A-Za-z0-9+/=\s]*$/.test(base64)) throw new XmlRefused('it is not in base64');
  const bytes = Buffer.from(base64, 'base64');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new XmlRefused('it is not in UTF-8', { cause });
  }
}

function checkIds({ select }: XmlDocument): void {
  // The library finds what is signed by any of the three spellings.
  const elements = select('//*');
  const ids = ['ID', 'Id', 'id'].flatMap((name) => elements.flatMap((one) => one.getAttribute(name) || []));
  if (new Set(ids).size !== ids.length) throw new XmlRefused('an ID is there twice');
}

function checkStatus(codes: readonly XmlElement[]): string {
  const value = codes[0]?.getAttribute('Value') ?? '';
  return /([A-Za-z]{1,64})$/.exec(value)?.[1] ?? 'unknown';
}

function statusOf({ select }: XmlDocument): string {
  const code = "*[local-name()='StatusCode']";
  const outer = checkStatus(select(`/*/*[local-name()='Status']/${code}`));
  const inner = select(`/*/*[local-name()='Status']/${code}/${code}`);
  return outer === 'Success' || inner.length === 0 ? outer : checkStatus(inner);
}

async function checkAssertion(document: XmlDocument, key: string | undefined): Promise<void> {
  const { select, root } = document;
  const plain = select("//*[local-name()='Assertion']");
  const encrypted = select("//*[local-name()='EncryptedAssertion']");
  const [only, second] = [...plain, ...encrypted];
  if (only === undefined) throw new XmlRefused('it has no assertion');
  if (second !== undefined) throw new XmlRefused('it has more than one assertion');
  if (only.namespaceURI !== namespaces.assertion || only.parentNode !== root) {
    throw new XmlRefused('its assertion stands where none belongs');
  }
  if (encrypted.length === 0) return checkSigned(document, "/*/*[local-name()='Assertion']");
  if (key === undefined) throw new XmlRefused('its assertion is encrypted, and the provider has no privateKey here');
  await checkEncrypted(document, only, key);
}

async function checkEncrypted(document: XmlDocument, encrypted: XmlElement, key: string): Promise<void> {
  const methods = (parent: string) =>
    document.select(`//*[local-name()='${parent}']/*[local-name()='EncryptionMethod']`);
  checkAll('encryption', methods('EncryptedData'), contentCiphers, 1);
  checkAll('key encryption', methods('EncryptedKey'), keyCiphers, 1);
  const opened = await decryptXml(encrypted.toString(), key).catch((cause: unknown) => {
    throw new XmlRefused('its assertion cannot be decrypted with the privateKey here', { cause });
  });
  const inner = await readXml(opened);
  if (!isNamed(inner.root, namespaces.assertion, 'Assertion')) throw new XmlRefused('no assertion was encrypted');
  if (inner.select("//*[local-name()='Assertion']").length > 1) throw new XmlRefused('it has more than one assertion');
  checkIds(inner);
  checkSignatures(inner);
  checkSigned(inner, '/*');
}

function checkSigned({ select }: XmlDocument, assertion: string): void {
  if (select(`${assertion}/*[local-name()='Signature']`).length !== 1)
    throw new XmlRefused('its assertion is not signed');
}

/** Each signature belongs to its parent, refers to it, and is made by what is strong. */
function checkSignatures({ select }: XmlDocument): void {
  const dsig = (name: string) => `*[local-name()='${name}' and namespace-uri()='${namespaces.signature}']`;
  const all = select("//*[local-name()='Signature']");
  const owned = select(`/*/${dsig('Signature')} | /*/*[local-name()='Assertion']/${dsig('Signature')}`);
  if (all.length !== owned.length) throw new XmlRefused('a signature stands where none belongs');
  for (const signature of owned) {
    const id = (signature.parentNode as XmlElement).getAttribute('ID') ?? '';
    if (!/^[A-Za-z_][\w.-]{0,255}$/.test(id)) throw new XmlRefused('what is signed has no usable ID');
  }
  const references = select(`//${dsig('Reference')}`);
  if (references.length !== all.length) throw new XmlRefused('a signature has not exactly one reference');
  for (const reference of references) {
    const owner = ((reference.parentNode as XmlElement).parentNode as XmlElement).parentNode as XmlElement;
    if (reference.getAttribute('URI') !== `#${owner.getAttribute('ID')}`) {
      throw new XmlRefused('a signature is of something else than what it stands in');
    }
  }
  if (select(`//${dsig('Object')}`).length > 0) throw new XmlRefused('a signature carries an object');
  checkAll('signature', select(`//${dsig('SignatureMethod')}`), signatures, all.length);
  checkAll('canonicalization', select(`//${dsig('CanonicalizationMethod')}`), canonicalizations, all.length);
  checkAll('digest', select(`//${dsig('Reference')}/${dsig('DigestMethod')}`), digests, all.length);
  checkAll('transform', select(`//${dsig('Transform')}`), transforms);
}

function checkAll(what: string, methods: readonly XmlElement[], allowed: readonly string[], count?: number): void {
  if (count !== undefined && methods.length !== count) throw new XmlRefused(`it has not exactly one ${what} method`);
  const weak = methods.map((method) => method.getAttribute('Algorithm') ?? '').find((name) => !allowed.includes(name));
  if (weak !== undefined) {
    throw new XmlRefused(`its ${what} method is not accepted (${/([\w.-]{1,40})$/.exec(weak)?.[1] ?? 'unknown'})`);
  }
}
