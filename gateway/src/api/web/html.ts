import { createHash } from 'node:crypto';

const style = `
:root{color-scheme:light dark;--ink:#17212b;--dim:#5f6d7c;--ground:#f6f8f9;--surface:#fff;--line:#d9e0e5;--accent:#0f766e;--on:#fff;--bad:#b3261e;--bad-soft:#fbe1df}
@media(prefers-color-scheme:dark){:root{--ink:#e7ecf0;--dim:#93a1ae;--ground:#0f151b;--surface:#161e26;--line:#2b3743;--accent:#2dd4bf;--on:#06201d;--bad:#ff9b93;--bad-soft:#45191a}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1rem;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{width:min(25rem,100%);background:var(--surface);border:1px solid var(--line);border-radius:10px;padding:1.5rem;display:grid;gap:1rem}
h1{font-size:1.25rem;margin:0}p{margin:0}.dim{color:var(--dim);font-size:.9rem}
form{display:grid;gap:.75rem}label{font-size:.9rem;color:var(--dim)}
input{display:block;width:100%;margin-top:.25rem;font:inherit;color:var(--ink);background:var(--surface);border:1px solid var(--line);border-radius:6px;padding:.5rem .6rem}
button,a.button{display:block;width:100%;text-align:center;text-decoration:none;font:inherit;border:1px solid var(--line);border-radius:6px;padding:.5rem;background:var(--surface);color:var(--ink);cursor:pointer}
button.primary{background:var(--accent);border-color:var(--accent);color:var(--on)}
.error{border:1px solid var(--bad);background:var(--bad-soft);border-radius:8px;padding:.6rem .8rem}.error .dim{color:inherit}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem;margin:0}dt{color:var(--dim)}dd{margin:0;overflow-wrap:anywhere}
.code{font:600 1.6rem ui-monospace,monospace;letter-spacing:.1em;text-align:center}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}`;
const styleHash = createHash('sha256').update(style).digest('base64');

/** No script at all; `action` is where its forms may lead besides here. */
export function pageHeaders(action?: string): Readonly<Record<string, string>> {
  const target = action === undefined ? "'self'" : `'self' ${action}`;
  return {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action ${target}; frame-ancestors 'none'`,
    'x-frame-options': 'DENY',
  };
}

/** A whole page; the body is trusted HTML. */
export const page = (title: string, body: string): string =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(title)} · Sallyport</title><style>${style}</style><main><h1>${escaped(title)}</h1>${body}</main></html>\n`;

export const escaped = (text: string): string => text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);

export function errorNote(message: string | undefined, hint?: string): string {
  if (message === undefined) return '';
  const more = hint === undefined ? '' : `<p class="dim">${escaped(hint)}</p>`;
  return `<div class="error" role="alert"><p>${escaped(sentence(message))}</p>${more}</div>`;
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1).replace(/\.$/, '')}.`;
