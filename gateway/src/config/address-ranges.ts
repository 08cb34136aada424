import { wrongRange } from '@sallyport/shared/access/address-range.ts';
import { z } from 'zod';

/** Where something may be used from. */
export const addressRanges = z
  .array(
    z.string().superRefine((text, context) => {
      const message = wrongRange(text);
      if (message !== undefined) context.addIssue({ code: 'custom', message });
    }),
  )
  .min(1)
  .max(100);
