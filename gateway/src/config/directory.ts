import { z } from 'zod';

/** How a provider's people are found in the directory that it provisions by SCIM; `true`: by the defaults. */
export const directoryRules = z
  .union(
    [
      z.boolean(),
      z.strictObject({
        match: z.enum(['either', 'externalId', 'userName']).optional(),
        idClaim: z.string().min(1).optional(),
        groups: z.enum(['directory', 'token']).optional(),
      }),
    ],
    {
      error:
        'must be true, or an object with match (either, externalId, userName), idClaim and groups (directory, token)',
    },
  )
  .transform((given) => (given === true ? {} : given === false ? undefined : given));
