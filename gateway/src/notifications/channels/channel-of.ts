import { resolveReference } from '../../outbound/reference.ts';
import { type Channel, Undeliverable } from '../channel.ts';
import { type EmailSpec, email } from './email.ts';
import { type SlackSpec, slack } from './slack.ts';
import { type WebhookSpec, webhook } from './webhook.ts';

/** Exactly one of them. */
export interface ChannelSpec {
  readonly webhook?: WebhookSpec | undefined;
  readonly slack?: SlackSpec | undefined;
  readonly email?: EmailSpec | undefined;
}

type Kind = Channel['kind'];

/** The fields that may be `env:` or `file:`: read at each sending, so that they may be renewed. */
const references = { webhook: ['url', 'secret'], slack: ['url', 'signingSecret'], email: ['password'] } as const;

export function channelOf(spec: ChannelSpec): Channel {
  const kind = (['webhook', 'slack', 'email'] as const).find((one) => spec[one] !== undefined) ?? 'webhook';
  let made: { readonly from: string; readonly channel: Channel } | undefined;
  const current = async (): Promise<Channel> => {
    const resolved = await resolvedSpec(kind, spec);
    const from = JSON.stringify(resolved);
    if (made?.from === from) return made.channel;
    made?.channel.close();
    made = { from, channel: plainChannel(resolved) };
    return made.channel;
  };
  return {
    kind,
    send: async (notification, signal) => (await current()).send(notification, signal),
    close: () => made?.channel.close(),
  };
}

function plainChannel(spec: ChannelSpec): Channel {
  if (spec.webhook !== undefined) return webhook(spec.webhook);
  if (spec.slack !== undefined) return slack(spec.slack);
  return email(spec.email as EmailSpec);
}

/** @throws Undeliverable that names the field */
async function resolvedSpec(kind: Kind, spec: ChannelSpec): Promise<ChannelSpec> {
  const fields: Record<string, unknown> = { ...spec[kind] };
  for (const field of references[kind]) {
    const text = fields[field];
    if (typeof text !== 'string') continue;
    fields[field] = await resolveReference(
      text,
      (why) => new Undeliverable(`its ${kind}.${field} ${why}`, { mayRetry: true }),
    );
  }
  const url = fields['url'];
  if (url !== undefined && !URL.canParse(String(url))) {
    throw new Undeliverable(`its ${kind}.url is where it should be, and no URL`, { mayRetry: true });
  }
  return { [kind]: fields };
}
