import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};

/** Nothing from elsewhere, nothing inline, in no frame. */
const policy = [
  "default-src 'none'",
  // The terminal's player draws with WebAssembly; that runs no script from a string.
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

const safety = {
  'content-security-policy': policy,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
} as const;

/** Addresses of the console's own pages; each is the same document. */
const pages =
  /^\/(?:(?:approvals|sessions)(?:\/[A-Za-z0-9_-]{1,64})?|connections|policy|agents|audit|access|signed-in)?$/;

interface File {
  readonly headers: Readonly<Record<string, string>>;
  readonly plain: Buffer;
  readonly gzip: Buffer;
  readonly brotli: Buffer;
}

/** The web console's files, read and compressed once. */
export class Console {
  readonly #files: ReadonlyMap<string, File>;

  private constructor(files: ReadonlyMap<string, File>) {
    this.#files = files;
  }

  /** Undefined where the folder has no console: it was not built. */
  static load(folder: string): Console | undefined {
    if (!existsSync(join(folder, 'index.html'))) return undefined;
    const names = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const paths = names.map(({ parentPath, name }) =>
      join(parentPath, name).slice(folder.length).replaceAll('\\', '/'),
    );
    return new Console(new Map(paths.map((path) => [path, fileOf(path, readFileSync(join(folder, path)))])));
  }

  /** False where the path is none of the console's. */
  serve({ headers, method }: IncomingMessage, path: string, response: ServerResponse): boolean {
    const file = this.#files.get(pages.test(path) ? '/index.html' : path);
    if (file === undefined) return false;
    if (headers['if-none-match'] === file.headers['etag']) {
      response.writeHead(304, file.headers).end();
      return true;
    }
    const accepted = String(headers['accept-encoding'] ?? '');
    const encoding = /\bbr\b/.test(accepted) ? 'brotli' : /\bgzip\b/.test(accepted) ? 'gzip' : 'plain';
    const body = file[encoding];
    const encoded = encoding === 'plain' ? {} : { 'content-encoding': encoding === 'brotli' ? 'br' : 'gzip' };
    response.writeHead(200, { ...file.headers, ...encoded, 'content-length': body.length });
    response.end(method === 'HEAD' ? undefined : body);
    return true;
  }
}

function fileOf(path: string, plain: Buffer): File {
  const isNamedByContent = path.startsWith('/assets/');
  return {
    plain,
    gzip: gzipSync(plain),
    brotli: brotliCompressSync(plain),
    headers: {
      ...safety,
      'content-type': types[extname(path)] ?? 'application/octet-stream',
      'cache-control': isNamedByContent ? 'public, max-age=31536000, immutable' : 'no-cache',
      etag: `"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`,
      vary: 'accept-encoding',
    },
  };
}
