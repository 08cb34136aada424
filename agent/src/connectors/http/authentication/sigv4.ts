import { Sha256 } from '@aws-crypto/sha256-js';
import type { Target } from '@sallyport/shared/access/connection.ts';
import type { SigV4Credential } from '@sallyport/shared/access/http.ts';
import { type Headers, without } from '@sallyport/shared/wire/http/headers.ts';
import { HttpRequest } from '@smithy/protocol-http';
import { SignatureV4 } from '@smithy/signature-v4';
import { authorityOf } from '../address.ts';
import type { Unproven } from './authenticators.ts';

export interface SigningKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** What a client may have signed with keys of its own. */
const own = ['authorization', 'x-amz-date', 'x-amz-security-token', 'x-amz-content-sha256', 'date'] as const;
/** Signed where they are there; others pass unsigned. */
const signable = /^(?:host|content-type|content-md5|range|x-amz-.*)$/;

/** SHA-256 of nothing. */
const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/** Signs the head; a body passes as it comes and is not part of the signature (`UNSIGNED-PAYLOAD`). */
export async function signed(
  { method, path, headers, hasBody }: Unproven,
  target: Target,
  { region, service }: SigV4Credential,
  keys: SigningKeys,
): Promise<Headers> {
  const kept = without(headers, ...own);
  const [pathname = '/', search = ''] = split(path);
  const payload = hasBody ? 'UNSIGNED-PAYLOAD' : EMPTY;
  const request = new HttpRequest({
    method,
    protocol: target.tls === 'disable' ? 'http:' : 'https:',
    hostname: target.host,
    path: pathname,
    query: queryOf(search),
    headers: {
      ...Object.fromEntries(kept.filter(([name]) => signable.test(name))),
      host: authorityOf(target),
      'x-amz-content-sha256': payload,
    },
  });
  const signer = new SignatureV4({
    credentials: keys,
    region,
    service,
    sha256: Sha256,
    applyChecksum: false,
    // S3 alone takes paths as they are; all others want them encoded once more.
    uriEscapePath: service !== 's3',
  });
  const { headers: made } = await signer.sign(request);
  const added = Object.entries(made).filter(([name]) => !kept.some(([known]) => known === name.toLowerCase()));
  return [...kept, ...added.map(([name, value]) => [name.toLowerCase(), value] as const)];
}

function split(path: string): string[] {
  const at = path.indexOf('?');
  return at < 0 ? [path] : [path.slice(0, at), path.slice(at + 1)];
}

function queryOf(search: string): Record<string, string | string[]> {
  const query: Record<string, string[]> = {};
  for (const [name, value] of new URLSearchParams(search)) query[name] = [...(query[name] ?? []), value];
  return query;
}
