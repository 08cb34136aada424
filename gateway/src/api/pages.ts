import { createHash } from 'node:crypto';

const style =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:42rem;margin:4rem auto;padding:0 1rem;color:#1c2430;background:#fff}' +
  'pre{background:#f2f4f7;padding:.75rem 1rem;border-radius:6px;overflow-x:auto}' +
  '@media(prefers-color-scheme:dark){body{color:#e6e9ee;background:#12161c}pre{background:#1d232c}}';
const styleHash = createHash('sha256').update(style).digest('base64');

/** For pages that run nothing and load nothing. */
export const pageHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
} as const;

/** What this is and how to get in. Says nothing that a stranger may not know. */
export function statusPage(url: string): string {
  return page(
    'Sallyport',
    '<p>This is a Sallyport access gateway: databases and hosts are reached through it with the clients that you already have.</p>' +
      `<p>Sign in, then see what you may reach:</p><pre>sallyport login --url ${escaped(url)} --user NAME\nsallyport connect</pre>`,
  );
}

/** How to decide an approval. The page does not know whether it exists, so that it tells strangers nothing. */
export function approvalPage(id: string): string {
  const safe = escaped(id);
  return page(
    `Approval ${safe}`,
    '<p>Somebody waits for consent. See exactly what would happen, then decide:</p>' +
      `<pre>sallyport approvals show ${safe}\nsallyport approvals approve ${safe}\nsallyport approvals reject ${safe} --reason "…"</pre>`,
  );
}

export function missingPage(): string {
  return page('Not found', '<p>There is nothing here.</p>');
}

function page(title: string, body: string): string {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><style>${style}</style><h1>${title}</h1>${body}</html>\n`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
