import Provider, { type Configuration } from 'oidc-provider';
import { Listening } from './listening.ts';

export const redirectUri = 'http://127.0.0.1:1/callback';
export const clientId = 'sallyport';
export const clientSecret = 'a-secret-of-the-client';

/** A person at the provider. */
export interface Account {
  groups: string[];
  gone?: boolean;
}

/** A real OpenID provider in this process, and somebody who signs in at it. */
export class OpenIdProvider {
  readonly #listening: Listening;
  readonly accounts = new Map<string, Account>([['alice', { groups: ['/engineering', '/dba'] }]]);
  /** Addresses that were asked, without queries. */
  readonly asked: string[] = [];

  private constructor(listening: Listening) {
    this.#listening = listening;
  }

  static async start(more: Configuration = {}): Promise<OpenIdProvider> {
    const listening = await Listening.start();
    const made = new OpenIdProvider(listening);
    const provider = new Provider(listening.url, { ...made.#configuration(), ...more });
    const serve = provider.callback();
    listening.server.on('request', (request, response) => {
      made.asked.push(request.url?.split('?')[0] ?? '');
      void serve(request, response);
    });
    return made;
  }

  get url(): string {
    return this.#listening.url;
  }

  stop(): Promise<void> {
    return this.#listening.stop();
  }

  #configuration(): Configuration {
    return {
      clients: [
        {
          client_id: clientId,
          client_secret: clientSecret,
          grant_types: ['authorization_code', 'refresh_token'],
          redirect_uris: [redirectUri],
          post_logout_redirect_uris: ['http://127.0.0.1:1/'],
        },
      ],
      claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['groups'] },
      cookies: { keys: ['a key for cookies of tests'] },
      features: {
        rpInitiatedLogout: { enabled: true },
        devInteractions: { enabled: true },
      },
      issueRefreshToken: () => true,
      pkce: { required: () => true },
      ttl: { Session: 3600, Grant: 3600, Interaction: 600, AccessToken: 600, IdToken: 600, RefreshToken: 3600 },
      findAccount: (_context, sub) => {
        const account = this.accounts.get(sub);
        if (account === undefined || account.gone === true) return undefined;
        return {
          accountId: sub,
          claims: () => ({ sub, email: `${sub}@example.com`, email_verified: true, groups: account.groups }),
        };
      },
    };
  }
}

/** A browser without a window: keeps cookies, follows redirects, fills in the provider's forms. */
export class Visitor {
  readonly #cookies = new Map<string, string>();

  /** Signs in; resolves to the address that the provider sends the browser back to. */
  async signIn(location: string, login = 'alice'): Promise<URL> {
    let at = await this.#follow(location);
    for (const prompt of ['login', 'consent']) {
      if (at.href.startsWith(redirectUri)) return at;
      const form = new URLSearchParams({ prompt, ...(prompt === 'login' ? { login, password: 'any' } : {}) });
      at = await this.#follow(at.href, form);
    }
    return at;
  }

  async #follow(location: string, form?: URLSearchParams): Promise<URL> {
    let at = new URL(location);
    let body = form;
    for (let hop = 0; hop < 10; hop++) {
      if (at.port === '1') return at;
      const response = await this.#ask(at.href, body);
      const next = response.headers.get('location');
      if (next === null) return at;
      body = undefined;
      at = new URL(next, at);
    }
    throw new Error('the provider redirects for ever');
  }

  async #ask(url: string, body?: URLSearchParams): Promise<Response> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const method = body === undefined ? 'GET' : 'POST';
    const response = await fetch(url, { method, redirect: 'manual', headers: { cookie }, body: body ?? null });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      this.#cookies.set(name, value);
    }
    return response;
  }
}
