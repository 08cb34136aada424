import type { Connection } from '@sallyport/shared/access/connection.ts';
import type { HttpCredential } from '@sallyport/shared/access/http.ts';
import { z } from 'zod';

const word = z.string().min(1);

/** Where the agent finds a secret; never the secret itself. */
const secret = z
  .string()
  .regex(/^(?!literal:)[a-z][a-z0-9-]*:./, 'must say where the agent finds it, such as env:NAME or file:/path');

const fieldName = z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/, 'is no name of a header field');

/** What the agent itself says of a request; a credential cannot stand there. */
const framing = /^(?:host|connection|content-length|transfer-encoding|upgrade|expect|te|trailer)$/i;

const url = z.url({ protocol: /^https?$/, error: 'must be a URL such as https://10.0.0.5:8443/api' }).refine(
  (text) => {
    const { username, password, search, hash } = new URL(text);
    return username + password + search + hash === '';
  },
  { error: 'must have no user, password, query or fragment in it' },
);

const header = z.strictObject({
  name: fieldName.refine((name) => !framing.test(name), 'is a header field that the agent sets itself'),
  secret,
  format: z
    .string()
    .regex(/^[\x20-\x7e]*$/, 'has a character in it that a header cannot have')
    .refine((text) => text.includes('{secret}'), 'must have {secret} in it')
    .prefault('{secret}'),
});

const credential = z
  .strictObject({
    header: header.optional(),
    basic: z.strictObject({ username: z.string().regex(/^[^:]*$/, 'has a colon in it'), password: secret }).optional(),
    bearer: secret.optional(),
    oauth: z
      .strictObject({
        tokenUrl: z.url({ protocol: /^https?$/ }),
        clientId: word,
        clientSecret: secret,
        scopes: z.array(word).prefault([]),
        audience: word.optional(),
      })
      .optional(),
    sigv4: z
      .strictObject({
        region: word,
        service: word,
        accessKeyId: secret,
        secretAccessKey: secret,
        sessionToken: secret.optional(),
      })
      .optional(),
    clientCertificate: z.strictObject({ certificate: secret, key: secret }).optional(),
  })
  .refine(({ clientCertificate: _, ...ways }) => Object.values(ways).filter((way) => way !== undefined).length <= 1, {
    error: 'may say one of header, basic, bearer, oauth and sigv4',
  });

/** A connection of `protocol: http`, from what all connections share. */
export const httpConnection = <A extends z.ZodType, L extends z.ZodType>(agent: A, labels: L) =>
  z.strictObject({
    protocol: z.literal('http'),
    agent,
    target: z
      .strictObject({
        url,
        tls: z.enum(['require', 'verify-ca', 'verify-full']).optional(),
        ca: word.optional(),
      })
      .refine(({ url: text, tls, ca }) => text.startsWith('https:') || (tls === undefined && ca === undefined), {
        error: 'has tls or ca, but its URL is no https',
      }),
    credential: credential.prefault({}),
    hosts: z
      .array(z.string().regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/, 'must be a host name in lower case, without a port'))
      .max(32)
      .optional(),
    labels: (labels as unknown as z.ZodRecord<z.ZodString, z.ZodString>).prefault({}),
  });

export type HttpConnectionSpec = z.output<
  ReturnType<
    typeof httpConnection<z.ZodType<string | { labels: Record<string, string> }>, z.ZodRecord<z.ZodString, z.ZodString>>
  >
>;

export function toHttpConnection(name: string, spec: HttpConnectionSpec): Connection {
  const { agent, target, labels, hosts } = spec;
  const { protocol, hostname, port, pathname } = new URL(target.url);
  const isSecure = protocol === 'https:';
  return {
    name,
    protocol: 'http',
    agent: typeof agent === 'string' ? agent : agent.labels,
    target: {
      host: hostname.replace(/^\[(.*)\]$/, '$1'),
      port: port === '' ? (isSecure ? 443 : 80) : Number(port),
      tls: isSecure ? (target.tls ?? 'verify-full') : 'disable',
      ...(target.ca === undefined ? {} : { ca: target.ca }),
      http: { basePath: pathname.replace(/\/+$/, '') },
    },
    credential: { username: spec.credential.basic?.username ?? '', http: credentialOf(spec.credential) },
    ...(hosts === undefined ? {} : { hosts }),
    labels,
  };
}

/** Without the members that are not there. */
const credentialOf = (spec: HttpConnectionSpec['credential']): HttpCredential =>
  JSON.parse(JSON.stringify(spec)) as HttpCredential;
