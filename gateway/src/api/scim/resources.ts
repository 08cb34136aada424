import type { IncomingMessage } from 'node:http';
import type { Directory } from '../../identity/directory/directory.ts';
import type { DirectoryProvider } from '../../identity/directory/provider.ts';
import { jsonBody } from './body.ts';
import type { Document } from './document.ts';
import type { Endpoint } from './endpoint.ts';
import { groupsEndpoint } from './groups.ts';
import { listed } from './listing.ts';
import { isExpected, isKnown } from './preconditions.ts';
import { ScimProblem } from './problem.ts';
import { parametersOf, queryOf, viewOf } from './query.ts';
import { entityTag } from './representation.ts';
import { usersEndpoint } from './users.ts';

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: object;
}

type Versioned = { readonly id: string; readonly version: number };

const segment = /^\/(Users|Groups)(?:\/([A-Za-z0-9._-]{1,64}))?$/;

/** Methods of `/Users` and `/Groups`, as one directory sees them. */
export class Resources {
  readonly #directory: Directory;
  readonly #provider: DirectoryProvider;
  readonly #base: string;

  constructor(directory: Directory, provider: DirectoryProvider, base: string) {
    this.#directory = directory;
    this.#provider = provider;
    this.#base = base;
  }

  /** Undefined where the path is of something else. @throws ScimProblem, DirectoryProblem */
  async answer(
    method: string,
    path: string,
    parameters: URLSearchParams,
    request: IncomingMessage,
  ): Promise<Answer | undefined> {
    const [, collection, id] = segment.exec(path) ?? [];
    const args = [this.#directory, this.#provider, this.#base] as const;
    if (collection === 'Users') return this.#route(usersEndpoint(...args), method, id, parameters, request);
    if (collection === 'Groups') return this.#route(groupsEndpoint(...args), method, id, parameters, request);
    return undefined;
  }

  #route<T extends Versioned>(
    endpoint: Endpoint<T>,
    method: string,
    id: string | undefined,
    parameters: URLSearchParams,
    request: IncomingMessage,
  ): Promise<Answer> {
    if (id === undefined || id === '.search') return this.#collection(endpoint, method, id, parameters, request);
    return this.#single(endpoint, method, id, parameters, request);
  }

  async #collection<T extends Versioned>(
    endpoint: Endpoint<T>,
    method: string,
    search: string | undefined,
    parameters: URLSearchParams,
    request: IncomingMessage,
  ): Promise<Answer> {
    const list = async (asked: URLSearchParams): Promise<Answer> => {
      const query = queryOf(asked);
      return { status: 200, body: await listed(endpoint.source(query.view), query) };
    };
    if (method === 'POST' && search !== undefined) return list(parametersOf(await jsonBody(request)));
    if (method === 'GET' && search === undefined) return list(parameters);
    if (method === 'POST') {
      const created = await endpoint.create(await jsonBody(request));
      return this.#shown(endpoint, created, parameters, 201);
    }
    throw notAllowed(method);
  }

  async #single<T extends Versioned>(
    endpoint: Endpoint<T>,
    method: string,
    id: string,
    parameters: URLSearchParams,
    request: IncomingMessage,
  ): Promise<Answer> {
    const expected = isExpected(request.headers);
    switch (method) {
      case 'GET': {
        const found = await endpoint.find(id);
        if (found === undefined) throw new ScimProblem(404, `there is no ${endpoint.type.name} "${id}"`);
        if (isKnown(request.headers, found.version))
          return { status: 304, headers: { etag: entityTag(found.version) } };
        return this.#shown(endpoint, found, parameters, 200);
      }
      case 'PUT':
        return this.#shown(endpoint, await endpoint.replace(id, await jsonBody(request), expected), parameters, 200);
      case 'PATCH':
        return this.#shown(endpoint, await endpoint.patch(id, await jsonBody(request), expected), parameters, 200);
      case 'DELETE':
        await endpoint.remove(id, expected);
        return { status: 204 };
      default:
        throw notAllowed(method);
    }
  }

  async #shown<T extends Versioned>(
    endpoint: Endpoint<T>,
    one: T,
    parameters: URLSearchParams,
    status: number,
  ): Promise<Answer> {
    const body: Document = await endpoint.shown(one, viewOf(parameters));
    const location = `${this.#base}${endpoint.type.endpoint}/${one.id}`;
    return { status, headers: { etag: entityTag(one.version), location }, body };
  }
}

const notAllowed = (method: string): ScimProblem => new ScimProblem(405, `${method} is not served here`);
