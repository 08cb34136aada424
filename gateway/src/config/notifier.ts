import { z } from 'zod';

const word = z.string().min(1);
const reference = /^(?:env|file):./;
const url = z
  .union([z.string().regex(reference), z.url({ protocol: /^https?$/ })], {
    error: 'must be a URL such as https://hooks.example.com/…, or where the gateway finds one: env:NAME, file:/path',
  })
  .refine((text) => text.length <= 2048, 'is longer than 2048 characters');

/** Several labels apart by dots, the last of which may be `*`; or `*` alone. */
const pattern = z
  .string()
  .regex(
    /^(?:\*|[a-z][a-z-]*(?:\.[a-z][a-z-]*)*(?:\.\*)?)$/,
    'is no type of events such as approval.requested or access.*',
  );

const template = z
  .string()
  .max(8192)
  .refine((text) => !/\{\{(?![A-Za-z][A-Za-z0-9_.]*\}\})/.test(text), 'has {{ without a name and }} behind it');

const webhook = z.strictObject({
  url,
  /** Signs what is sent, after the Standard Webhooks specification. */
  secret: z
    .string()
    .max(512)
    .refine((text) => reference.test(text) || text.length >= 16, 'is too short: 16 characters at least')
    .optional(),
});

const slack = z
  .strictObject({
    url,
    signingSecret: word.max(256).optional(),
    /** Whom a member of the workspace stands for. */
    approvers: z.record(z.string().regex(/^[UW][A-Z0-9]{4,20}$/, 'is no member id such as U012AB3CD'), word).optional(),
  })
  .refine(({ signingSecret, approvers }) => (signingSecret === undefined) === (approvers === undefined), {
    path: ['approvers'],
    error: 'belongs together with signingSecret: the one proves that Slack asks, the other says who presses a button',
  });

const email = z
  .strictObject({
    host: word,
    port: z.int().min(1).max(65_535).optional(),
    security: z.enum(['tls', 'starttls', 'none']).prefault('starttls'),
    user: word.optional(),
    password: word.optional(),
    from: z.email(),
    to: z.array(z.email()).min(1).max(50),
  })
  .refine(({ security, password }) => security !== 'none' || password === undefined, {
    path: ['security'],
    error: 'must be tls or starttls where there is a password: it would be sent in the clear',
  });

/** The spec of a Notifier; `connections` is the selector that rules and masks have. */
export const notifierWith = <C extends z.ZodType>(connections: C) =>
  z
    .strictObject({
      events: z.array(pattern).min(1).max(64).prefault(['approval.requested']),
      connections: connections.optional(),
      webhook: webhook.optional(),
      slack: slack.optional(),
      email: email.optional(),
      template: z.strictObject({ title: template.optional(), text: template.optional() }).optional(),
    })
    .refine(({ webhook, slack, email }) => [webhook, slack, email].filter((one) => one !== undefined).length === 1, {
      error: 'must have one of webhook, slack, email',
    });
