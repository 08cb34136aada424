import type { Connection } from '@sallyport/shared/access/connection.ts';
import type { HttpCredential } from '@sallyport/shared/access/http.ts';
import { z } from 'zod';

const secret = z
  .string()
  .regex(/^(?!literal:)[a-z][a-z0-9-]*:./, 'must say where the agent finds it, such as env:NAME or file:/path');

/** Where a pod finds the token of its service account; it is read again for each request, since it is renewed. */
const SERVICE_ACCOUNT_TOKEN = 'file:/var/run/secrets/kubernetes.io/serviceaccount/token';

const url = z
  .url({ protocol: /^https$/, error: 'must be the API server’s address, such as https://10.0.0.1:6443' })
  .refine((text) => {
    const { username, password, search, hash } = new URL(text);
    return username + password + search + hash === '';
  }, 'must have no user, password, query or fragment in it');

const credential = z
  .strictObject({
    bearer: secret.optional(),
    clientCertificate: z.strictObject({ certificate: secret, key: secret }).optional(),
    serviceAccount: z.literal(true).optional(),
  })
  .refine((ways) => Object.values(ways).filter((way) => way !== undefined).length === 1, {
    error: 'must say one of bearer, clientCertificate and serviceAccount: true',
  });

/** A connection of `protocol: kubernetes`, from what all connections share. */
export const kubernetesConnection = <A extends z.ZodType, L extends z.ZodType>(agent: A, labels: L) =>
  z.strictObject({
    protocol: z.literal('kubernetes'),
    agent,
    target: z.strictObject({ url, ca: z.string().min(1).optional(), impersonate: z.boolean().prefault(false) }),
    credential,
    labels: (labels as unknown as z.ZodRecord<z.ZodString, z.ZodString>).prefault({}),
  });

export type KubernetesConnectionSpec = z.output<
  ReturnType<
    typeof kubernetesConnection<
      z.ZodType<string | { labels: Record<string, string> }>,
      z.ZodRecord<z.ZodString, z.ZodString>
    >
  >
>;

export function toKubernetesConnection(name: string, spec: KubernetesConnectionSpec): Connection {
  const { agent, target, labels } = spec;
  const { hostname, port, pathname } = new URL(target.url);
  return {
    name,
    protocol: 'kubernetes',
    agent: typeof agent === 'string' ? agent : agent.labels,
    target: {
      host: hostname.replace(/^\[(.*)\]$/, '$1'),
      port: port === '' ? 443 : Number(port),
      tls: 'verify-full',
      ...(target.ca === undefined ? {} : { ca: target.ca }),
      http: { basePath: pathname.replace(/\/+$/, '') },
      kubernetes: { impersonates: target.impersonate },
    },
    credential: { username: '', http: credentialOf(spec.credential) },
    labels,
  };
}

function credentialOf({ bearer, clientCertificate }: KubernetesConnectionSpec['credential']): HttpCredential {
  if (clientCertificate !== undefined) return { clientCertificate };
  return { bearer: bearer ?? SERVICE_ACCOUNT_TOKEN };
}
