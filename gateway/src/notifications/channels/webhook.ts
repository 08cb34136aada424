import { createHmac } from 'node:crypto';
import type { Channel } from '../channel.ts';
import type { Notification } from '../notification.ts';
import { post } from './post.ts';

export interface WebhookSpec {
  readonly url: string;
  readonly secret?: string | undefined;
}

/** Posts JSON, signed after the Standard Webhooks specification: `webhook-id`, `webhook-timestamp`, `webhook-signature`. */
export function webhook({ url, secret }: WebhookSpec): Channel {
  return {
    kind: 'webhook',
    async send(notification, signal) {
      const { id } = notification.event;
      const timestamp = String(Math.floor(Date.now() / 1000));
      const body = JSON.stringify(bodyOf(notification));
      const signature = secret === undefined ? {} : { 'webhook-signature': signed(secret, id, timestamp, body) };
      const headers = { 'content-type': 'application/json', 'webhook-id': id, 'webhook-timestamp': timestamp };
      await post(url, body, { ...headers, ...signature }, signal);
    },
    close() {},
  };
}

function bodyOf({ event, title, text, link }: Notification) {
  const { type, time: timestamp, ...rest } = event;
  return {
    type,
    timestamp,
    title,
    ...(text === undefined ? {} : { text }),
    ...(link === undefined ? {} : { link }),
    ...rest,
  };
}

/** `v1,` and the HMAC-SHA256 of `id.timestamp.body` in base64. */
export function signed(secret: string, id: string, timestamp: string, body: string): string {
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : Buffer.from(secret);
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
}
