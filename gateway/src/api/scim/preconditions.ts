import type { IncomingHttpHeaders } from 'node:http';
import { entityTag } from './representation.ts';

/** Whether a version is one that `If-Match` names; any where there is no such header. @see RFC 9110, 13.1.1; weakly, RFC 7644, 3.14 */
export function isExpected({ 'if-match': header }: IncomingHttpHeaders): (version: number) => boolean {
  if (header === undefined || header.trim() === '*') return () => true;
  const tags = tagsOf(header);
  return (version) => tags.has(entityTag(version));
}

/** Whether `If-None-Match` names the version, so that it need not be sent again. */
export function isKnown({ 'if-none-match': header }: IncomingHttpHeaders, version: number): boolean {
  return header !== undefined && (header.trim() === '*' || tagsOf(header).has(entityTag(version)));
}

/** Strong and weak ones are the same here. */
function tagsOf(header: string): ReadonlySet<string> {
  const tags = header.slice(0, 1024).matchAll(/(?:W\/)?("[^"]*")/g);
  return new Set([...tags].map(([, tag = '']) => `W/${tag}`));
}
