import { createHmac, timingSafeEqual } from 'node:crypto';

/** Older requests are not believed, and newer ones neither. Seconds. */
const WINDOW_S = 5 * 60;

/** A button that somebody pressed in Slack. */
export interface SlackAction {
  readonly approval: string;
  readonly approved: boolean;
  /** The member's id. */
  readonly user: string;
  /** Where Slack takes an answer to be shown; only ever a host of Slack's. */
  readonly responseUrl: string | undefined;
}

/** Whether Slack itself sent this body: HMAC-SHA256 of `v0:timestamp:body`, in hexadecimal behind `v0=`. */
export function isFromSlack(
  signingSecret: string,
  headers: Readonly<Record<string, string | string[] | undefined>>,
  body: string,
  nowMs: number,
): boolean {
  const timestamp = headers['x-slack-request-timestamp'];
  const signature = headers['x-slack-signature'];
  if (typeof timestamp !== 'string' || typeof signature !== 'string' || !/^\d{1,12}$/.test(timestamp)) return false;
  if (Math.abs(nowMs / 1000 - Number(timestamp)) > WINDOW_S) return false;
  const right = Buffer.from(
    `v0=${createHmac('sha256', signingSecret).update(`v0:${timestamp}:${body}`).digest('hex')}`,
  );
  const given = Buffer.from(signature);
  return given.length === right.length && timingSafeEqual(given, right);
}

/** What a form that Slack posts asks for; undefined where it is no button of ours. */
export function readAction(body: string): SlackAction | undefined {
  const payload = parsed(new URLSearchParams(body).get('payload'));
  const [action] = Array.isArray(payload?.['actions']) ? (payload['actions'] as unknown[]) : [];
  const { action_id, value } = (action ?? {}) as { action_id?: unknown; value?: unknown };
  const user = (payload?.['user'] as { id?: unknown } | undefined)?.id;
  const [, word] = /^sallyport\.(approve|reject)$/.exec(String(action_id)) ?? [];
  if (word === undefined || typeof value !== 'string' || typeof user !== 'string') return undefined;
  return { approval: value, approved: word === 'approve', user, responseUrl: slackUrl(payload?.['response_url']) };
}

function parsed(text: string | null): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function slackUrl(text: unknown): string | undefined {
  if (typeof text !== 'string' || !URL.canParse(text)) return undefined;
  const { protocol, hostname, href } = new URL(text);
  return protocol === 'https:' && hostname === 'hooks.slack.com' ? href : undefined;
}
