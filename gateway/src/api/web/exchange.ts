import type { IncomingMessage, ServerResponse } from 'node:http';

/** A SAML response with many groups is some tens of kilobytes. */
const MAX_FORM_BYTES = 512 * 1024;

/** A form that cannot be read, with the HTTP status that says so. */
export class FormProblem extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** One request of a browser or an OAuth client, and how it is answered. */
export class Exchange {
  readonly url: URL;
  readonly request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #secure: boolean;
  readonly #cookies: string[] = [];

  constructor(request: IncomingMessage, response: ServerResponse, publicUrl: string) {
    this.request = request;
    this.#response = response;
    this.#secure = publicUrl.startsWith('https:');
    this.url = new URL(request.url ?? '/', publicUrl);
  }

  get method(): string {
    return this.request.method ?? 'GET';
  }

  /** IP address. */
  get address(): string {
    return (this.request.socket.remoteAddress ?? 'unknown').replace(/^::ffff:/, '');
  }

  cookie(name: string): string | undefined {
    const wanted = `${this.#named(name)}=`;
    const found = (this.request.headers.cookie ?? '').split(/; */).find((one) => one.startsWith(wanted));
    return found?.slice(wanted.length);
  }

  /** Undefined takes the cookie back. Seconds. */
  setCookie(name: string, value: string | undefined, maxAgeS: number): void {
    const parts = [`${this.#named(name)}=${value ?? ''}`, 'Path=/', 'HttpOnly', 'SameSite=Lax'];
    if (this.#secure) parts.push('Secure');
    parts.push(`Max-Age=${value === undefined ? 0 : maxAgeS}`);
    this.#cookies.push(parts.join('; '));
  }

  redirect(location: string): void {
    this.send(303, { location }, undefined);
  }

  send(status: number, headers: Readonly<Record<string, string>>, body: string | undefined): void {
    const rest = this.request.complete ? {} : { connection: 'close' };
    this.#response.writeHead(status, {
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      // Without a referrer a browser would say nothing of a form's origin, which is checked.
      'referrer-policy': 'same-origin',
      ...rest,
      ...headers,
      ...(this.#cookies.length === 0 ? {} : { 'set-cookie': this.#cookies }),
    });
    this.#response.end(this.method === 'HEAD' ? undefined : body);
  }

  json(status: number, body: object, headers: Readonly<Record<string, string>> = {}): void {
    this.send(status, { 'content-type': 'application/json', ...headers }, JSON.stringify(body));
  }

  /** A form's fields. @throws FormProblem where it is none, or too large */
  async form(): Promise<URLSearchParams> {
    const [type] = String(this.request.headers['content-type'] ?? '').split(';');
    if (type?.trim() !== 'application/x-www-form-urlencoded') throw new FormProblem(415, 'a form is wanted');
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of this.request) {
      bytes += (chunk as Buffer).length;
      if (bytes > MAX_FORM_BYTES) throw new FormProblem(413, 'the form is too large');
      chunks.push(chunk as Buffer);
    }
    return new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
  }

  /** With the prefix that binds a cookie to this host and to TLS, where there is TLS. @see RFC 6265bis, 4.1.3.2 */
  #named(name: string): string {
    return this.#secure ? `__Host-sallyport-${name}` : `sallyport-${name}`;
  }
}
