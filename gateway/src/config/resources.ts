import type { Connection, ProtocolName, RoleIssuer } from '@sallyport/shared/access/connection.ts';
import { hint } from '@sallyport/shared/errors/nearest.ts';
import { z } from 'zod';
import { readSources, type Source } from './document.ts';
import { durationMs } from './duration.ts';
import { toHttpConnection } from './http.ts';
import { type Kind, kinds, type Specs, specs } from './kinds.ts';

/** A resource as it was written and found right. */
export interface Resource<K extends Kind = Kind> {
  readonly kind: K;
  readonly name: string;
  readonly spec: Specs[K];
}

/** A resource with the place where it stands, for messages. */
export interface Parsed extends Resource {
  readonly source: Source;
}

const namePattern = /^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?$/;

const outer = z.strictObject({
  kind: z.string(),
  name: z.string().regex(namePattern, 'is no name: lower-case letters, digits and . _ - within, at most 63'),
  spec: z.unknown(),
});

/** Reads resources. @throws ConfigError ERR_RESOURCE_INVALID with file, line and the nearest right name */
export function parseResources(text: string, file: string): Parsed[] {
  const found: Parsed[] = [];
  for (const source of readSources(text, file, 'ERR_RESOURCE_INVALID')) {
    const { kind, name } = source.as(outer);
    if (!isKind(kind)) throw source.problem(['kind'], `there is no kind ${kind}; ${hint(kind, kinds)}`);
    const spec = source.as(specs[kind] as z.ZodType<Specs[Kind]>, ['spec']);
    if (found.some((one) => one.kind === kind && one.name === name)) {
      throw source.problem(['name'], `${kind} ${name} is written twice`);
    }
    found.push({ kind, name, spec, source });
  }
  return found;
}

export const isKind = (kind: string): kind is Kind => (kinds as readonly string[]).includes(kind);

const defaultPorts: Readonly<Record<ProtocolName, number>> = { postgres: 5432, ssh: 22, kubernetes: 6443, http: 443 };

export function toConnection({ name, spec }: Resource<'Connection'>): Connection {
  if (spec.protocol === 'http') return toHttpConnection(name, spec);
  const { protocol, agent, target, credential, wall, harmlessFunctions, labels } = spec;
  const { host, port = defaultPorts[protocol], database, tls, ca } = target;
  return {
    name,
    protocol,
    agent: typeof agent === 'string' ? agent : agent.labels,
    target: {
      host,
      port,
      tls,
      ...(database === undefined ? {} : { database }),
      ...(ca === undefined ? {} : { ca }),
    },
    credential: {
      ...loginOf(credential),
      ...(credential.postgresRole === undefined ? {} : { postgresRole: issuerOf(credential.postgresRole) }),
    },
    ...(wall === undefined ? {} : { wall }),
    harmlessFunctions,
    labels,
  };
}

const loginOf = ({ username = '', password }: { username?: string | undefined; password?: string | undefined }) => ({
  username,
  ...(password === undefined ? {} : { password }),
});

type PostgresSpec = Extract<Specs['Connection'], { protocol: 'postgres' }>;

function issuerOf(spec: NonNullable<PostgresSpec['credential']['postgresRole']>): RoleIssuer {
  return { ...loginOf(spec), validForSeconds: Math.floor((durationMs(spec.validFor) ?? 0) / 1000) };
}
