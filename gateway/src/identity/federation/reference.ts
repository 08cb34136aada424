import { Unavailable } from '@sallyport/shared/errors/errors.ts';
import { resolveReference } from '../../outbound/reference.ts';

/** What a provider's field stands for. @throws Unavailable that names the provider and the field, never the text */
export function dereference(text: string, provider: string, field: string): Promise<string> {
  return resolveReference(text, (why, cause) => {
    const message = `the identity provider ${provider} cannot be used: its ${field} ${why}`;
    return new Unavailable('identity', 'ERR_IDENTITY_UNAVAILABLE', message, { cause });
  });
}
