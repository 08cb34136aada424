import { createTransport } from 'nodemailer';
import { type Channel, Undeliverable } from '../channel.ts';
import type { Notification } from '../notification.ts';

export interface EmailSpec {
  readonly host: string;
  readonly port?: number | undefined;
  readonly security: 'tls' | 'starttls' | 'none';
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly from: string;
  readonly to: readonly string[];
}

const ports = { tls: 465, starttls: 587, none: 25 } as const;

/** A mail by SMTP (RFC 5321); it says that a machine wrote it (RFC 3834). */
export function email({ host, port, security, user, password, from, to }: EmailSpec): Channel {
  const transport = createTransport({
    host,
    port: port ?? ports[security],
    secure: security === 'tls',
    requireTLS: security === 'starttls',
    ignoreTLS: security === 'none',
    connectionTimeout: 10_000,
    greetingTimeout: 10_000,
    socketTimeout: 20_000,
    disableFileAccess: true,
    disableUrlAccess: true,
    ...(user === undefined ? {} : { auth: { user, pass: password ?? '' } }),
  });
  const domain = from.slice(from.lastIndexOf('@') + 1);
  return {
    kind: 'email',
    async send(notification) {
      const { event, title } = notification;
      try {
        await transport.sendMail({
          from,
          to: [...to],
          subject: title,
          text: textOf(notification),
          html: htmlOf(notification),
          messageId: `<${event.id}@${domain}>`,
          headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
        });
      } catch (error) {
        throw failure(error);
      }
    },
    close: () => transport.close(),
  };
}

/** 5yz replies are for ever (RFC 5321, 4.2.1); wrong credentials may be put right. */
function failure(error: unknown): Undeliverable {
  const { message = 'it failed', responseCode, code } = error as Error & { responseCode?: number; code?: string };
  const isFinal = responseCode !== undefined && responseCode >= 500 && code !== 'EAUTH';
  return new Undeliverable(`the mail server: ${message.slice(0, 200)}`, { mayRetry: !isFinal });
}

function textOf({ facts, code, text, link }: Notification): string {
  const told =
    text ??
    [...facts.map(([label, value]) => `${label}: ${value}`), ...(code === undefined ? [] : ['', code])].join('\n');
  return link === undefined ? `${told}\n` : `${told}\n\n${link}\n`;
}

function htmlOf({ title, facts, code, text, link }: Notification): string {
  const rows = facts.map(([label, value]) => `<tr><td><b>${escaped(label)}</b></td><td>${escaped(value)}</td></tr>`);
  const told =
    text === undefined
      ? `<table cellpadding="4">${rows.join('')}</table>${code === undefined ? '' : `<pre>${escaped(code)}</pre>`}`
      : `<p style="white-space:pre-wrap">${escaped(text)}</p>`;
  const more = link === undefined ? '' : `<p><a href="${escaped(link)}">Open in Sallyport</a></p>`;
  return `<h3>${escaped(title)}</h3>${told}${more}`;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const escaped = (text: string): string => text.replace(/[&<>"']/g, (char) => entities[char] ?? '');
