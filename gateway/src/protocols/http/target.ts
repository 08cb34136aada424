import { badRequest } from './problem.ts';

/** Where a request goes, in the one form that is judged and sent. */
export interface RequestTarget {
  /** Starts with a slash; what need not be percent-encoded is not. */
  readonly path: string;
  /** As it was sent, without the question mark; undefined where there is none. */
  readonly search: string | undefined;
  /** Decoded names and values. */
  readonly query: Readonly<Record<string, readonly string[]>>;
}

/** Of a request's target. Characters. */
const MAX_TARGET = 16 * 1024;
const MAX_PARAMETERS = 256;

/** What stands for itself in a path (RFC 3986, 3.3): its encoded and its plain form are one. */
const plain = /^[A-Za-z0-9\-._~!$&'()*+,=:@]$/;

/**
 * Reads the target of a request: origin form only. What two servers could read in two ways is refused, not repaired.
 * @throws RequestProblem
 * @see RFC 9112, 3.2; RFC 3986, 6.2.2
 */
export function readTarget(text: string): RequestTarget {
  if (text.length > MAX_TARGET)
    throw badRequest(`The request's target is longer than ${MAX_TARGET} characters.`, undefined, 414);
  if (!text.startsWith('/')) {
    throw badRequest(
      'The request names a whole URL or no path.',
      'Send the path alone, starting with a slash; do not use the gateway as a proxy.',
    );
  }
  if (!/^[\x21-\x7e]*$/.test(text) || /[#\\]/.test(text)) {
    throw badRequest(
      "The request's target has a character in it that has to be percent-encoded: #, \\, a space or one beyond ASCII.",
    );
  }
  const at = text.indexOf('?');
  const search = at < 0 ? undefined : text.slice(at + 1);
  return {
    path: normalPath(at < 0 ? text : text.slice(0, at)),
    search,
    query: search === undefined ? {} : readQuery(search),
  };
}

/** Path and query as they go to the target. */
export const targetText = (path: string, search: string | undefined): string =>
  search === undefined ? path : `${path}?${search}`;

function normalPath(path: string): string {
  if (/%(?![0-9A-Fa-f]{2})/.test(path))
    throw badRequest('A percent sign in the path is not followed by two hexadecimal digits.');
  const normal = path.replace(/%([0-9A-Fa-f]{2})/g, (_, digits: string) => decoded(digits));
  if (/%25[0-9A-F]{2}/i.test(normal)) throw badRequest('The path is percent-encoded twice.');
  if (normal.includes(';')) throw badRequest('The path has a semicolon in it, which servers read in different ways.');
  const segments = normal.slice(1).split('/');
  segments.forEach((segment, index) => {
    if (segment === '.' || segment === '..')
      throw badRequest('The path has . or .. as a segment.', 'Send the path that it leads to.');
    if (segment === '' && index < segments.length - 1) throw badRequest('The path has two slashes in a row.');
  });
  return normal;
}

function decoded(digits: string): string {
  const code = Number.parseInt(digits, 16);
  const character = String.fromCharCode(code);
  if (code < 0x20 || code === 0x7f) throw badRequest('The path has a control character in it.');
  if ('/\\;'.includes(character))
    throw badRequest(`The path has an encoded ${character} in it, which servers read in different ways.`);
  return plain.test(character) ? character : `%${digits.toUpperCase()}`;
}

function readQuery(search: string): RequestTarget['query'] {
  const query: Record<string, string[]> = Object.create(null);
  const parts = search.split('&').filter((part) => part !== '');
  if (parts.length > MAX_PARAMETERS) throw badRequest(`The query has more than ${MAX_PARAMETERS} parameters.`);
  for (const part of parts) {
    const at = part.indexOf('=');
    const name = component(at < 0 ? part : part.slice(0, at));
    query[name] = [...(query[name] ?? []), at < 0 ? '' : component(part.slice(at + 1))];
  }
  return query;
}

function component(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw badRequest('The query is not percent-encoded UTF-8.');
  }
}
