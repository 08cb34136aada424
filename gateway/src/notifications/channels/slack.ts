import type { Channel } from '../channel.ts';
import type { Notification } from '../notification.ts';
import { post } from './post.ts';

export interface SlackSpec {
  readonly url: string;
  /** Where there is one, buttons decide; without it they only lead to the approval's page. */
  readonly signingSecret?: string | undefined;
  /** Whom a member of the workspace, by id, stands for. */
  readonly approvers?: Readonly<Record<string, string>> | undefined;
}

/** Slack's bounds for a header and for a section's text. Characters. */
const MAX_HEADER = 150;
const MAX_SECTION = 3000;

/** A message of blocks to an incoming webhook. */
export function slack({ url, signingSecret }: SlackSpec): Channel {
  return {
    kind: 'slack',
    send: (notification, signal) =>
      post(
        url,
        JSON.stringify(messageOf(notification, signingSecret !== undefined)),
        { 'content-type': 'application/json' },
        signal,
      ),
    close() {},
  };
}

export function messageOf(notification: Notification, decides: boolean) {
  const { title, facts, code, text, link, approval } = notification;
  const shown = text ?? facts.map(([label, value]) => `*${escaped(label)}:* ${escaped(value)}`).join('\n');
  const blocks: object[] = [{ type: 'header', text: { type: 'plain_text', text: title.slice(0, MAX_HEADER) } }];
  if (shown !== '') blocks.push(section(text === undefined ? shown : escaped(text)));
  if (text === undefined && code !== undefined) blocks.push(section(fenced(code)));
  const elements = [
    ...(approval !== undefined && decides ? [button('approve', approval), button('reject', approval)] : []),
    ...(link === undefined ? [] : [{ type: 'button', text: { type: 'plain_text', text: 'Open' }, url: link }]),
  ];
  if (elements.length > 0) blocks.push({ type: 'actions', elements });
  return { text: escaped(title), blocks };
}

const section = (text: string) => ({ type: 'section', text: { type: 'mrkdwn', text: text.slice(0, MAX_SECTION) } });

const button = (what: 'approve' | 'reject', value: string) => ({
  type: 'button',
  action_id: `sallyport.${what}`,
  style: what === 'approve' ? 'primary' : 'danger',
  text: { type: 'plain_text', text: what === 'approve' ? 'Approve' : 'Reject' },
  value,
});

/** The three characters that have a meaning in Slack's text. */
const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** A statement cannot close its own fence, nor be cut so that it stays open. */
const fenced = (code: string): string => {
  const text = escaped(code.replaceAll('```', '` ` `'));
  return `\`\`\`${text.slice(0, MAX_SECTION - 10)}\`\`\``;
};
