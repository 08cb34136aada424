import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Directory } from '../../../identity/directory/directory.ts';
import type { DirectoryProvider } from '../../../identity/directory/provider.ts';
import { Store } from '../../../store/store.ts';
import { createScimServer } from '../server.ts';

export const corporate: DirectoryProvider = {
  name: 'corporate',
  idPrefix: 'oidc:https://id.example.com#',
  audiences: ['sallyport'],
  rules: { match: 'either', groups: 'directory' },
};

export const other: DirectoryProvider = {
  name: 'other',
  idPrefix: 'oidc:https://other.example.com#',
  rules: { match: 'either', groups: 'directory' },
};

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it freely
  readonly body: any;
}

/** A SCIM endpoint over a real store and real sockets, as an identity provider sees it. */
export class ScimHost {
  readonly directory: Directory;
  readonly events: { type: string; provider: string; data: object }[] = [];
  readonly problems: string[] = [];
  changes = 0;
  token = '';
  readonly #store: Store;
  readonly #folder: string;
  readonly #server: Server;

  private constructor(store: Store, folder: string) {
    this.#store = store;
    this.#folder = folder;
    this.directory = new Directory({
      store: store.directory,
      providers: () => [corporate, other],
      journal: async (type, provider, data) => {
        this.events.push({ type, provider, data });
      },
      onChange: async () => {
        this.changes += 1;
      },
    });
    const log = (text: string): void => {
      this.problems.push(text);
    };
    const handler = createScimServer({ directory: this.directory, publicUrl: 'https://gw.example.com/', log });
    this.#server = createServer((request, response) => void handler(request, response));
  }

  static async start(): Promise<ScimHost> {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-scim-'));
    const host = new ScimHost(await Store.open(folder), folder);
    host.#server.listen(0, '127.0.0.1');
    await once(host.#server, 'listening');
    host.token = (await host.directory.tokens.mint({ provider: 'corporate' })).token;
    return host;
  }

  async send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Reply> {
    const { port } = this.#server.address() as AddressInfo;
    const response = await fetch(`http://127.0.0.1:${port}/scim/v2${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/scim+json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
  }

  async user(userName: string, more: object = {}): Promise<string> {
    const body = { schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], userName, active: true, ...more };
    return (await this.send('POST', '/Users', body)).body.id as string;
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await this.#store.close();
    rmSync(this.#folder, { recursive: true });
  }
}
