import { z } from 'zod';
import { addressRanges } from './address-ranges.ts';
import { durationMs } from './duration.ts';

const word = z.string().min(1);

/** Where tokens of well-known platforms come from. */
export const workloadPresets = {
  github: 'https://token.actions.githubusercontent.com',
  gitlab: 'https://gitlab.com',
} as const;

const claims = z
  .record(word, z.union([word, z.array(word).min(1)]))
  .refine((given) => Object.keys(given).length > 0, 'must name at least one claim: anybody’s job could come in')
  .refine(
    (given) =>
      Object.values(given)
        .flat()
        .some((pattern) => /[^*]/.test(pattern)),
    'must say something of a claim: a pattern of stars alone matches everybody',
  );

/** The spec of a WorkloadIdentity. */
export const workloadIdentity = z
  .strictObject({
    preset: z.enum(['github', 'gitlab']).optional(),
    issuer: word.optional(),
    audience: z.union([word, z.array(word).min(1)]),
    match: z
      .array(z.strictObject({ claims, serviceAccount: word, connection: word.optional() }))
      .min(1)
      .max(200),
    from: addressRanges.optional(),
    ttl: z
      .string()
      .refine((text) => durationMs(text) !== undefined, 'is no duration such as 15m or 1h')
      .optional(),
  })
  .refine(({ preset, issuer }) => preset !== undefined || issuer !== undefined, {
    path: ['issuer'],
    error: 'is missing: whose tokens are taken',
  });
