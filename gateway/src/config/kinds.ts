import { z } from 'zod';

const word = z.string().min(1);
const words = z.array(word);
const labels = z.record(z.string(), z.string());
const someLabels = labels.refine((given) => Object.keys(given).length > 0, 'must name at least one label');

const who = z.strictObject({
  groups: words.optional(),
  users: words.optional(),
  serviceAccounts: words.optional(),
  any: z.boolean().optional(),
});

const connections = z.strictObject({
  names: words.optional(),
  labels: labels.optional(),
  protocol: z.enum(['postgres']).optional(),
});

const connection = z.strictObject({
  protocol: z.enum(['postgres'], { error: 'must be postgres: other protocols are not served in this version' }),
  agent: z.union([word, z.strictObject({ labels: someLabels })], {
    error: "must be an agent's name, or { labels: … }",
  }),
  target: z.strictObject({
    host: word,
    port: z.int().min(1).max(65_535).optional(),
    database: word.optional(),
    tls: z.enum(['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full']).prefault('prefer'),
    ca: word.optional(),
  }),
  credential: z.strictObject({ username: word, password: word.optional() }),
  harmlessFunctions: words.prefault([]),
  labels: labels.prefault({}),
});

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
  approvers: z
    .strictObject({
      groups: words.optional(),
      users: words.optional(),
      count: z.int().min(1).max(100).optional(),
      timeout: word.optional(),
    })
    .optional(),
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

const identityProvider = z.strictObject({
  type: z.enum(['oidc'], { error: 'must be oidc: other providers are not served in this version' }),
  issuer: word,
  audience: z.union([word, words.min(1)]),
  nameClaim: word.optional(),
  groupsClaim: word.optional(),
});

const user = z.strictObject({
  groups: words.prefault([]),
  password: z
    .string()
    .refine((text) => text === '(set)' || text.length >= 8, 'has fewer than 8 characters')
    .optional(),
});
const serviceAccount = z.strictObject({ groups: words.prefault([]), description: z.string().optional() });

/** The shape of each kind's spec. */
export const specs = {
  Connection: connection,
  Rule: rule,
  Mask: mask,
  IdentityProvider: identityProvider,
  User: user,
  ServiceAccount: serviceAccount,
} as const;

export type Kind = keyof typeof specs;
export type Specs = { [K in Kind]: z.output<(typeof specs)[K]> };

export const kinds = Object.keys(specs) as readonly Kind[];
