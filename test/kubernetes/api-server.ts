import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { type WebSocket, WebSocketServer } from 'ws';

type Fields = { [key: string]: unknown };
interface Resource {
  readonly group: string;
  readonly name: string;
  readonly kind: string;
  readonly isNamespaced: boolean;
  readonly short?: readonly string[];
  readonly sub?: readonly string[];
}

const resources: readonly Resource[] = [
  { group: '', name: 'namespaces', kind: 'Namespace', isNamespaced: false, short: ['ns'] },
  {
    group: '',
    name: 'pods',
    kind: 'Pod',
    isNamespaced: true,
    short: ['po'],
    sub: ['log', 'exec', 'attach', 'portforward'],
  },
  { group: '', name: 'secrets', kind: 'Secret', isNamespaced: true },
  { group: '', name: 'configmaps', kind: 'ConfigMap', isNamespaced: true, short: ['cm'] },
  { group: 'apps', name: 'deployments', kind: 'Deployment', isNamespaced: true, short: ['deploy'], sub: ['scale'] },
];
const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

/** A request as it arrived: what the gateway's agent made of it. */
export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

/** As much of a Kubernetes API server as kubectl needs: discovery, objects, tables, watches, logs, exec. For tests only. */
export class ApiServer {
  readonly seen: Seen[] = [];
  readonly #server: Server;
  readonly #token: string;
  readonly #objects = new Map<string, Fields>();
  readonly #watchers = new Set<(type: string, path: string, object: Fields) => void>();
  #version = 1;
  port = 0;

  constructor(tls: { readonly cert: string; readonly key: string }, token: string) {
    this.#token = token;
    const sockets = new WebSocketServer({
      noServer: true,
      handleProtocols: (offered) => ['v5.channel.k8s.io', 'v4.channel.k8s.io'].find((one) => offered.has(one)) ?? false,
    });
    this.#server = createServer(tls, (request, response) => {
      this.#serve(request, response).catch((error: unknown) => response.destroy(error as Error));
    });
    this.#server.on('upgrade', (request, socket, head) => {
      this.#note(request);
      if (!this.#isAllowed(request)) return void socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n');
      // SPDY is not spoken here: clients fall back to WebSocket, or begin with it.
      if (request.headers.upgrade?.toLowerCase() !== 'websocket')
        return void socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      sockets.handleUpgrade(request, socket as Duplex, head, (client) =>
        exec(client, new URL(request.url ?? '/', 'http://x')),
      );
    });
  }

  static async start(tls: { readonly cert: string; readonly key: string }, token: string): Promise<ApiServer> {
    const made = new ApiServer(tls, token);
    made.#server.listen(0, '127.0.0.1');
    await once(made.#server, 'listening');
    made.port = (made.#server.address() as AddressInfo).port;
    return made;
  }

  put(resource: string, object: Fields & { metadata: { name: string; namespace?: string } }): void {
    const known = resources.find((one) => one.name === resource) as Resource;
    this.#store(known, pathOf(known, object.metadata.namespace ?? '', object.metadata.name), object, 'ADDED');
  }

  get(resource: string, namespace: string, name: string): Fields | undefined {
    return this.#objects.get(pathOf(resources.find((one) => one.name === resource) as Resource, namespace, name));
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #note({ method = '', url = '', headers }: IncomingMessage): void {
    this.seen.push({ method, url, headers });
  }

  #isAllowed({ headers }: IncomingMessage): boolean {
    return headers.authorization === `Bearer ${this.#token}`;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#note(request);
    const url = new URL(request.url ?? '/', 'http://x');
    const body = await text(request);
    if (!this.#isAllowed(request)) return status(response, 401, 'Unauthorized', 'the credential is wrong');
    const found = discovered(url.pathname);
    if (found !== undefined) return json(response, 200, found);
    const at = place(url.pathname);
    if (at === undefined) return status(response, 404, 'NotFound', `the server could not find ${url.pathname}`);
    if (at.sub === 'log') return this.#log(url, response);
    if (at.name === '' && request.method === 'GET') return this.#list(request, response, url, at);
    this.#one(request, response, at, body);
  }

  #one(request: IncomingMessage, response: ServerResponse, at: Place, body: string): void {
    const { method = '' } = request;
    const sent = body === '' ? {} : (JSON.parse(body) as Fields);
    const name = at.name === '' ? String((sent['metadata'] as Fields | undefined)?.['name'] ?? '') : at.name;
    const path = pathOf(at.resource, at.namespace, name);
    const known = this.#objects.get(path);
    if (method === 'POST') {
      if (known !== undefined)
        return status(response, 409, 'AlreadyExists', `${at.resource.name} "${name}" already exists`);
      const metadata = { ...(sent['metadata'] as Fields), ...(at.namespace === '' ? {} : { namespace: at.namespace }) };
      return answer(
        request,
        response,
        201,
        at.resource,
        this.#store(at.resource, path, { ...sent, metadata }, 'ADDED'),
      );
    }
    if (known === undefined) {
      const isApplied = method === 'PATCH' && request.headers['content-type']?.includes('apply-patch') === true;
      if (!isApplied) return status(response, 404, 'NotFound', `${at.resource.name} "${name}" not found`);
    }
    if (method === 'GET') return answer(request, response, 200, at.resource, known as Fields);
    if (method === 'DELETE') {
      this.#objects.delete(path);
      this.#tell('DELETED', path, known as Fields);
      return json(response, 200, {
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Success',
        details: { name, kind: at.resource.name },
      });
    }
    const next =
      method === 'PUT' ? sent : (merged(known ?? { metadata: { name, namespace: at.namespace } }, sent) as Fields);
    answer(request, response, 200, at.resource, this.#store(at.resource, path, next, 'MODIFIED'));
  }

  #store({ group, kind }: Resource, path: string, object: Fields, type: string): Fields {
    this.#version += 1;
    const metadata = {
      uid: `uid-${path}`,
      creationTimestamp: '2026-01-02T03:04:05Z',
      ...(object['metadata'] as Fields),
      resourceVersion: String(this.#version),
    };
    const stored = { kind, apiVersion: group === '' ? 'v1' : `${group}/v1`, ...object, metadata };
    this.#objects.set(path, stored);
    this.#tell(type, path, stored);
    return stored;
  }

  #tell(type: string, path: string, object: Fields): void {
    for (const watcher of this.#watchers) watcher(type, path, object);
  }

  #list(request: IncomingMessage, response: ServerResponse, url: URL, { resource, namespace }: Place): void {
    const prefix = `${resource.group}/${resource.name}/${namespace === '' ? '' : `${namespace}/`}`;
    const named = /metadata\.name=([^,]+)/.exec(url.searchParams.get('fieldSelector') ?? '')?.[1];
    const matches = (path: string) => path.startsWith(prefix) && (named === undefined || path.endsWith(`/${named}`));
    const items = [...this.#objects].filter(([path]) => matches(path)).map(([, object]) => object);
    if (url.searchParams.get('watch') === null) {
      const list = {
        kind: `${resource.kind}List`,
        apiVersion: resource.group === '' ? 'v1' : `${resource.group}/v1`,
        metadata: { resourceVersion: String(this.#version) },
        items,
      };
      return answer(request, response, 200, resource, list);
    }
    response.writeHead(200, { 'content-type': 'application/json' });
    const send = (type: string, path: string, object: Fields): void => {
      if (matches(path))
        response.write(
          `${JSON.stringify({ type, object: isTable(request) ? tableOf(resource, [object]) : object })}\n`,
        );
    };
    response.flushHeaders();
    this.#watchers.add(send);
    response.on('close', () => this.#watchers.delete(send));
  }

  #log(url: URL, response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/plain' });
    response.write('first line\ncard 4111 1111 1111 1111 paid\n');
    if (url.searchParams.get('follow') !== 'true') return void response.end('last line\n');
    let count = 0;
    const ticking = setInterval(() => {
      count += 1;
      response.write(`line ${count}\n`);
      if (count < 3) return;
      clearInterval(ticking);
      response.end();
    }, 50);
    response.on('close', () => clearInterval(ticking));
  }
}

interface Place {
  readonly resource: Resource;
  readonly namespace: string;
  readonly name: string;
  readonly sub: string;
}

function place(path: string): Place | undefined {
  const found =
    /^\/(?:api\/v1|apis\/([^/]+)\/v1)(?:\/namespaces\/([^/]+))?\/([a-z]+)(?:\/([^/]+))?(?:\/([a-z]+))?$/.exec(path);
  const [, group = '', namespace = '', name = '', object = '', sub = ''] = found ?? [];
  const ofNamespace = /^\/api\/v1\/namespaces\/([^/]+)$/.exec(path)?.[1];
  const resource = resources.find(
    (one) => one.group === group && one.name === (ofNamespace === undefined ? name : 'namespaces'),
  );
  if (resource === undefined) return undefined;
  return ofNamespace === undefined
    ? { resource, namespace, name: object, sub }
    : { resource, namespace: '', name: ofNamespace, sub: '' };
}

const pathOf = ({ group, name }: Resource, namespace: string, object: string): string =>
  `${group}/${name}/${namespace === '' ? '' : `${namespace}/`}${object}`;

function discovered(path: string): object | undefined {
  const list = (group: string) => ({
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: group === '' ? 'v1' : `${group}/v1`,
    resources: resources
      .filter((one) => one.group === group)
      .map(({ name, kind, isNamespaced, short = [] }) => ({
        name,
        singularName: kind.toLowerCase(),
        namespaced: isNamespaced,
        kind,
        verbs,
        shortNames: short,
      })),
  });
  const version = { groupVersion: 'apps/v1', version: 'v1' };
  const known: Readonly<Record<string, object>> = {
    '/version': { major: '1', minor: '32', gitVersion: 'v1.32.0', platform: 'linux/amd64' },
    '/api': { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] },
    '/apis': {
      kind: 'APIGroupList',
      apiVersion: 'v1',
      groups: [{ name: 'apps', versions: [version], preferredVersion: version }],
    },
    '/api/v1': list(''),
    '/apis/apps/v1': list('apps'),
  };
  return known[path];
}

const isTable = ({ headers }: IncomingMessage): boolean => headers.accept?.includes('as=Table') === true;

function tableOf({ kind }: Resource, items: readonly Fields[]): object {
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: { resourceVersion: '1' },
    columnDefinitions: [
      { name: 'Name', type: 'string', format: 'name', description: '', priority: 0 },
      { name: 'Kind', type: 'string', format: '', description: '', priority: 0 },
    ],
    rows: items.map((object) => ({ cells: [(object['metadata'] as Fields)['name'], kind], object })),
  };
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  code: number,
  resource: Resource,
  object: Fields,
): void {
  const items = Array.isArray(object['items']) ? (object['items'] as Fields[]) : [object];
  json(response, code, isTable(request) ? tableOf(resource, items) : object);
}

function json(response: ServerResponse, code: number, body: object): void {
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(code, { 'content-type': 'application/json', 'content-length': bytes.length });
  response.end(bytes);
}

const status = (response: ServerResponse, code: number, reason: string, message: string): void =>
  json(response, code, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code });

/** A merge patch (RFC 7396), which is near enough to the others for tests. */
function merged(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result: Fields =
    typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...(target as Fields) } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merged(result[key], value);
  }
  return result;
}

/** Runs the command for real, with its streams on channels 0 to 2, its status on 3, and the end of input by v5's close. */
function exec(client: WebSocket, url: URL): void {
  const [command = 'true', ...args] = url.searchParams.getAll('command');
  const child = spawn(command, args, { env: { PATH: process.env['PATH'] } });
  const send = (channel: number, bytes: Buffer) => client.send(Buffer.concat([Buffer.of(channel), bytes]));
  child.on('error', () => client.close());
  child.stdin.on('error', () => {});
  child.stdout.on('data', (bytes: Buffer) => send(1, bytes));
  child.stderr.on('data', (bytes: Buffer) => send(2, bytes));
  client.on('message', (data: Buffer) => {
    if (data[0] === 0) child.stdin.write(data.subarray(1));
    if (data[0] === 255 && data[1] === 0) child.stdin.end();
  });
  client.on('close', () => child.kill());
  if (url.searchParams.get('stdin') === null) child.stdin.end();
  child.on('close', (code) => {
    const failure = {
      status: 'Failure',
      message: `command terminated with exit code ${code}`,
      reason: 'NonZeroExitCode',
      details: { causes: [{ reason: 'ExitCode', message: String(code) }] },
    };
    const told = code === 0 ? { status: 'Success' } : failure;
    send(3, Buffer.from(JSON.stringify({ metadata: {}, ...told })));
    client.close(1000);
  });
}
