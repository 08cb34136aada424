import { issuesLogins, protocolNames } from '@sallyport/shared/access/connection.ts';
import { z } from 'zod';
import { addressRanges } from './address-ranges.ts';
import { durationMs } from './duration.ts';
import { httpConnection } from './http.ts';
import { identityProvider } from './identity-provider.ts';
import { notifierWith } from './notifier.ts';
import { sshCredential, sshTarget } from './ssh.ts';
import { workloadIdentity } from './workload-identity.ts';

const word = z.string().min(1);
const words = z.array(word);
const labels = z.record(z.string(), z.string());
const someLabels = labels.refine((given) => Object.keys(given).length > 0, 'must name at least one label');

const who = z.strictObject({
  groups: words.optional(),
  users: words.optional(),
  serviceAccounts: words.optional(),
  any: z.boolean().optional(),
  actors: words.min(1).optional(),
});

const connections = z.strictObject({
  names: words.optional(),
  labels: labels.optional(),
  protocol: z.enum(protocolNames).optional(),
});

/** A secret that the agent finds: of a role that makes roles, none is kept here. */
const reference = z
  .string()
  .regex(/^(?!literal:)[a-z][a-z0-9-]*:./, 'must say where the agent finds it, such as env:NAME or file:/path');

const MINUTE_MS = 60_000;
const lifetime = z.string().refine((text) => {
  const ms = durationMs(text);
  return ms !== undefined && ms >= MINUTE_MS && ms <= 366 * 24 * 60 * MINUTE_MS;
}, 'is no duration such as 15m, 12h or 7d (1m at least)');

const issuesUsername = (password: string | undefined): boolean =>
  issuesLogins({ username: '', password: password ?? '' });

const agent = z.union([word, z.strictObject({ labels: someLabels })], {
  error: "must be an agent's name, or { labels: … }",
});

const postgresConnection = z
  .strictObject({
    protocol: z.literal('postgres'),
    agent,
    target: z.strictObject({
      host: word,
      port: z.int().min(1).max(65_535).optional(),
      database: word.optional(),
      tls: z.enum(['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full']).prefault('prefer'),
      ca: word.optional(),
    }),
    credential: z.strictObject({
      username: word.optional(),
      password: word.optional(),
      postgresRole: z
        .strictObject({ username: word, password: reference.optional(), validFor: lifetime.prefault('12h') })
        .optional(),
    }),
    wall: z.strictObject({ readOnly: z.boolean().prefault(false), columns: z.boolean().prefault(true) }).optional(),
    harmlessFunctions: words.prefault([]),
    labels: labels.prefault({}),
  })
  .refine(({ credential }) => credential.username !== undefined || issuesUsername(credential.password), {
    path: ['credential', 'username'],
    error: 'is missing: only dynamic credentials of Vault, such as vault:database/creds/app, bring one',
  })
  .refine(({ wall, credential }) => wall === undefined || credential.postgresRole !== undefined, {
    path: ['wall'],
    error: 'needs credential.postgresRole: only a role of the session’s own can be kept to it',
  });

const sshConnection = z.strictObject({
  protocol: z.literal('ssh'),
  agent,
  target: sshTarget,
  credential: sshCredential,
  labels: labels.prefault({}),
});

const connection = z.discriminatedUnion(
  'protocol',
  [postgresConnection, sshConnection, httpConnection(agent, labels)],
  {
    error: 'must be postgres, ssh or http: other protocols are not served in this version',
  },
);

const privilege = z.enum(['select', 'insert', 'update', 'delete', 'truncate', 'execute', 'create', 'temporary']);

const rule = z.strictObject({
  who,
  connections: connections.optional(),
  actions: words.min(1).optional(),
  when: word.optional(),
  then: z.enum(['allow', 'deny', 'approve']),
  reason: word.optional(),
  limit: z
    .strictObject({ rows: z.int().min(0).max(1e12).optional(), sessionRows: z.int().min(0).max(1e12).optional() })
    .refine((given) => Object.keys(given).length > 0, 'must say rows, sessionRows or both')
    .optional(),
  privileges: z.array(privilege).min(1).optional(),
  approvers: z
    .strictObject({
      groups: words.optional(),
      users: words.optional(),
      count: z.int().min(1).max(100).optional(),
      timeout: word.optional(),
      eachOf: words.min(1).max(16).optional(),
    })
    .optional(),
  grant: z
    .strictObject({ max: word, default: word.optional(), reason: z.enum(['required', 'optional']).optional() })
    .optional(),
  breakGlass: z.strictObject({ groups: words.min(1), max: word }).optional(),
});

const mask = z.strictObject({
  connections: connections.optional(),
  who: who.optional(),
  except: who.omit({ any: true }).optional(),
  columns: words.optional(),
  detect: words.optional(),
  patterns: z.array(z.strictObject({ name: word, pattern: word, flags: z.string().optional() })).optional(),
  as: z.enum(['redact', 'null', 'hash', 'partial']).optional(),
});

const user = z.strictObject({
  groups: words.prefault([]),
  password: z
    .string()
    .refine((text) => text === '(set)' || text.length >= 8, 'has fewer than 8 characters')
    .optional(),
});
const serviceAccount = z.strictObject({
  groups: words.prefault([]),
  description: z.string().optional(),
  from: addressRanges.optional(),
  mayActFor: z
    .strictObject({ groups: words.optional(), users: words.optional() })
    .refine(({ groups = [], users = [] }) => groups.length + users.length > 0, 'must name groups, users or both')
    .optional(),
});

/** The shape of each kind's spec. */
export const specs = {
  Connection: connection,
  Rule: rule,
  Mask: mask,
  IdentityProvider: identityProvider,
  User: user,
  ServiceAccount: serviceAccount,
  WorkloadIdentity: workloadIdentity,
  Notifier: notifierWith(connections),
} as const;

export type Kind = keyof typeof specs;
export type Specs = { [K in Kind]: z.output<(typeof specs)[K]> };

export const kinds = Object.keys(specs) as readonly Kind[];
