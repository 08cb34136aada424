import type { IncomingMessage, ServerResponse } from 'node:http';
import { Unavailable } from '@sallyport/shared/errors/errors.ts';
import type { BrowserProvider } from '../../identity/federation/browser-provider.ts';
import type { Browsers } from '../../identity/oauth/browsers.ts';
import { isDenial, type Log } from '../problems.ts';
import { Exchange, FormProblem } from './exchange.ts';
import { errorNote, page, pageHeaders } from './html.ts';
import type { OAuthEndpoints } from './oauth.ts';
import { callbackUrl, type SignIn } from './sign-in.ts';

export interface WebParts {
  readonly publicUrl: string;
  readonly signIn: SignIn;
  readonly oauth: OAuthEndpoints;
  readonly browsers: Browsers;
  readonly providers: () => readonly BrowserProvider[];
  /** The public key that signs certificates for SSH clients, as a line. */
  readonly sshUserAuthority?: string | undefined;
  readonly log: Log;
}

type Handler = (exchange: Exchange, name: string) => Promise<void> | void;
type Route = readonly [methods: string, path: RegExp, handler: Handler];

/** The gateway's own pages and OAuth endpoints. */
export class Web {
  readonly #parts: WebParts;
  readonly #routes: readonly Route[];

  constructor(parts: WebParts) {
    const { signIn, oauth } = parts;
    this.#parts = parts;
    this.#routes = [
      ['GET', /^\/signin$/, (one) => signIn.show(one)],
      ['POST', /^\/signin$/, (one) => signIn.password(one)],
      ['GET', /^\/signin\/start$/, (one) => signIn.start(one)],
      ['GET', /^\/signin\/callback\/([^/]+)$/, (one, name) => signIn.complete(one, name)],
      ['POST', /^\/signin\/callback\/([^/]+)$/, (one, name) => signIn.posted(one, name)],
      ['POST', /^\/signin\/logout\/([^/]+)$/, (one, name) => this.#backChannel(one, name)],
      ['GET', /^\/signin\/metadata\/([^/]+)$/, (one, name) => this.#metadata(one, name)],
      ['POST', /^\/signout$/, (one) => signIn.leave(one)],
      ['GET', /^\/\.well-known\/(?:oauth-authorization-server|openid-configuration)$/, (one) => oauth.metadata(one)],
      ['GET', /^\/\.well-known\/ssh-user-ca$/, (one) => this.#sshUserAuthority(one)],
      ['GET POST', /^\/oauth\/authorize$/, async (one) => oauth.authorize(one, await signIn.who(one))],
      ['POST', /^\/oauth\/token$/, (one) => oauth.token(one)],
      ['POST', /^\/oauth\/device_authorization$/, (one) => oauth.deviceAuthorization(one)],
      ['POST', /^\/oauth\/revoke$/, (one) => oauth.revoke(one)],
      ['GET POST', /^\/device$/, async (one) => oauth.device(one, await signIn.who(one))],
    ];
  }

  owns(path: string): boolean {
    return this.#routes.some(([, pattern]) => pattern.test(path));
  }

  /** A provider's page posts its answer from its own origin. */
  takesFromElsewhere(method: string | undefined, path: string): boolean {
    return method === 'POST' && /^\/signin\/(?:callback|logout)\/[^/]+$/.test(path);
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const exchange = new Exchange(request, response, this.#parts.publicUrl);
    try {
      await this.#dispatch(exchange);
    } catch (error) {
      this.#fail(exchange, error);
    }
  }

  async #dispatch(exchange: Exchange): Promise<void> {
    const { pathname } = exchange.url;
    const found = this.#routes.filter(([, pattern]) => pattern.test(pathname));
    const method = exchange.method === 'HEAD' ? 'GET' : exchange.method;
    const route = found.find(([methods]) => methods.split(' ').includes(method));
    if (route === undefined) {
      const allow = found.map(([methods]) => methods.replace(' ', ', ')).join(', ');
      return exchange.json(405, { error: 'invalid_request', error_description: `${allow} is served here` }, { allow });
    }
    const [, pattern, handler] = route;
    await handler(exchange, decodeURIComponent(pattern.exec(pathname)?.[1] ?? ''));
  }

  /** @see OpenID Connect Back-Channel Logout 1.0, 2.7 and 2.8 */
  async #backChannel(exchange: Exchange, name: string): Promise<void> {
    const { providers, browsers } = this.#parts;
    const provider = providers().find((one) => one.name === name);
    const token = (await exchange.form()).get('logout_token') ?? '';
    const logout = await provider?.verifyLogout?.(token);
    if (provider?.idPrefix === undefined || logout === undefined || isDenial(logout)) {
      const why =
        logout !== undefined && isDenial(logout) ? logout.message : 'this provider cannot sign anybody out here';
      return exchange.json(400, { error: 'invalid_request', error_description: why });
    }
    const { sub, sid } = logout;
    if (sid !== undefined) await browsers.endOf({ sid, ownerPrefix: provider.idPrefix });
    else if (sub !== undefined) await browsers.endOf({ owner: `${provider.idPrefix}${sub}` });
    exchange.send(200, {}, '');
  }

  async #metadata(exchange: Exchange, name: string): Promise<void> {
    const provider = this.#parts.providers().find((one) => one.name === name);
    const xml = await provider?.metadata?.(callbackUrl(this.#parts.publicUrl, name));
    if (xml === undefined) {
      return exchange.send(404, pageHeaders(), page('Not found', '<p>There is no such SAML provider.</p>'));
    }
    exchange.send(200, { 'content-type': 'application/samlmetadata+xml' }, xml);
  }

  #sshUserAuthority(exchange: Exchange): void {
    const { sshUserAuthority } = this.#parts;
    const [status, text] = sshUserAuthority === undefined ? [404, 'there is none\n'] : [200, `${sshUserAuthority}\n`];
    exchange.send(status, { 'content-type': 'text/plain; charset=utf-8' }, text);
  }

  #fail(exchange: Exchange, error: unknown): void {
    if (error instanceof FormProblem) {
      return exchange.send(error.status, pageHeaders(), page('This cannot go on', errorNote(error.message)));
    }
    this.#parts.log('a page could not be served', { path: exchange.url.pathname, error });
    const [status, message] =
      error instanceof Unavailable ? [503, error.message] : [500, 'the gateway met an error of its own'];
    exchange.send(status, pageHeaders(), page('This cannot go on', errorNote(message, 'Try again in a moment.')));
  }
}
