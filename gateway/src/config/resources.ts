import type { Connection, RoleIssuer } from '@sallyport/shared/access/connection.ts';
import { hint } from '@sallyport/shared/errors/nearest.ts';
import { z } from 'zod';
import { readSources, type Source } from './document.ts';
import { durationMs } from './duration.ts';
import { toHttpConnection } from './http.ts';
import { type Kind, kinds, type Specs, specs } from './kinds.ts';
import { toSshCredential, toSshTarget } from './ssh.ts';

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

const POSTGRES_PORT = 5432;

export function toConnection({ name, spec }: Resource<'Connection'>): Connection {
  if (spec.protocol === 'http') return toHttpConnection(name, spec);
  const { protocol, agent, labels } = spec;
  const common = { name, protocol, agent: typeof agent === 'string' ? agent : agent.labels, labels };
  return { ...common, ...(spec.protocol === 'ssh' ? sshParts(spec) : postgresParts(spec)) };
}

type ConnectionSpec = Specs['Connection'];
type Parts = Pick<Connection, 'target' | 'credential' | 'wall' | 'harmlessFunctions'>;

const sshParts = ({ target, credential }: Extract<ConnectionSpec, { protocol: 'ssh' }>): Parts => ({
  target: toSshTarget(target),
  credential: toSshCredential(credential),
});

type PostgresSpec = Extract<ConnectionSpec, { protocol: 'postgres' }>;

function postgresParts({ target, credential, wall, harmlessFunctions }: PostgresSpec): Parts {
  const { host, port = POSTGRES_PORT, database, tls, ca } = target;
  const { postgresRole } = credential;
  return {
    target: { host, port, tls, ...(database === undefined ? {} : { database }), ...(ca === undefined ? {} : { ca }) },
    credential: {
      ...loginOf(credential),
      ...(postgresRole === undefined ? {} : { postgresRole: issuerOf(postgresRole) }),
    },
    ...(wall === undefined ? {} : { wall }),
    harmlessFunctions,
  };
}

const loginOf = ({ username = '', password }: { username?: string | undefined; password?: string | undefined }) => ({
  username,
  ...(password === undefined ? {} : { password }),
});

function issuerOf(spec: NonNullable<PostgresSpec['credential']['postgresRole']>): RoleIssuer {
  return { ...loginOf(spec), validForSeconds: Math.floor((durationMs(spec.validFor) ?? 0) / 1000) };
}
