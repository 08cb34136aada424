import { parseDomFromString, xpath } from '@node-saml/node-saml/lib/xml.js';

/** What we ask of an element; the library brings its own document model, without types of ours. */
export interface XmlElement {
  readonly localName: string;
  readonly namespaceURI: string | null;
  readonly parentNode: unknown;
  readonly textContent: string | null;
  getAttribute(name: string): string | null;
  toString(): string;
}

export interface XmlDocument {
  readonly root: XmlElement;
  /** Elements by XPath 1.0; the expression is ours, never anybody's input. */
  readonly select: (expression: string) => readonly XmlElement[];
}

export const namespaces = {
  protocol: 'urn:oasis:names:tc:SAML:2.0:protocol',
  assertion: 'urn:oasis:names:tc:SAML:2.0:assertion',
  metadata: 'urn:oasis:names:tc:SAML:2.0:metadata',
  signature: 'http://www.w3.org/2000/09/xmldsig#',
  encryption: 'http://www.w3.org/2001/04/xmlenc#',
} as const;

/** Deeper elements would cost the library's recursion its stack. */
const MAX_DEPTH = 64;
const MAX_ELEMENTS = 20_000;

/** What a document of a stranger may not hold, in words for an administrator. */
export class XmlRefused extends Error {}

/**
 * Reads XML of somebody whom nobody vouches for yet. Document types, entities, comments, CDATA and processing instructions
 * are refused before a parser sees them: signatures and readers differ over what they mean.
 * @throws XmlRefused
 */
export async function readXml(text: string): Promise<XmlDocument> {
  const body = text.replace(/^\uFEFF?<\?xml [^<>?]{0,100}\?>/, '');
  if (body.includes('<!')) throw new XmlRefused('it holds a document type, a comment or CDATA');
  if (body.includes('<?')) throw new XmlRefused('it holds a processing instruction');
  if (/&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9a-fA-F]{1,6});)/.test(body))
    throw new XmlRefused('it holds an entity');
  bound(body);
  const document = await parseDomFromString(body).catch((cause: unknown) => {
    throw new XmlRefused('it is no XML', { cause });
  });
  const select = (expression: string) => xpath.selectElements(document as never, expression) as unknown as XmlElement[];
  const [root, second] = select('/*');
  if (root === undefined || second !== undefined) throw new XmlRefused('it has not exactly one root element');
  return { root, select };
}

function bound(body: string): void {
  let depth = 0;
  let elements = 0;
  for (const [, closing, selfClosing] of body.matchAll(/<(\/?)(?:[^<>"']|"[^"<]*"|'[^'<]*')*?(\/?)>/g)) {
    if (selfClosing === '' || closing !== '') depth += closing === '' ? 1 : -1;
    if (++elements > MAX_ELEMENTS || depth > MAX_DEPTH) throw new XmlRefused('it is too deep or has too many elements');
  }
}

export const isNamed = (element: XmlElement, namespace: string, name: string): boolean =>
  element.namespaceURI === namespace && element.localName === name;
