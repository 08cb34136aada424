import { type Call, type Reply, type Server, serve } from './server.ts';

const denied = (text = 'permission denied'): Reply => ({ status: 403, body: { errors: [text] } });
const errors = (status: number, text: string): Reply => ({ status, body: { errors: [text] } });

/** Vault's HTTP API as far as the agent uses it; every secret in it starts with CANARY. */
export class VaultServer {
  readonly tokens = new Map<string, { ttl: number; renewable: boolean }>([
    ['CANARY-root', { ttl: 0, renewable: false }],
  ]);
  readonly leases = new Map<string, { ttl: number; renewals: number }>();
  readonly calls: string[] = [];
  /** What the next answers are, whatever is asked. */
  readonly failures: Reply[] = [];
  namespace: string | undefined;
  isSealed = false;
  secretId = 'CANARY-secret-id';
  jwt = 'CANARY-jwt';
  tokenTtl = 3600;
  leaseTtl = 3600;
  /** The path that policies deny. */
  denied = 'secret/data/denied';
  kvVersion = '2';
  #made = 0;
  #server: Server | undefined;

  async start(): Promise<string> {
    this.#server = await serve((call) => this.#answer(call));
    return this.#server.url;
  }

  async stop(): Promise<void> {
    await this.#server?.close();
  }

  count(part: string): number {
    return this.calls.filter((call) => call.includes(part)).length;
  }

  #answer(call: Call): Reply {
    const path = call.path.replace('/v1/', '');
    this.calls.push(`${call.method} ${path}`);
    const failure = this.failures.shift();
    if (failure !== undefined) return failure;
    if (this.isSealed) return errors(503, 'Vault is sealed');
    if (call.headers['x-vault-request'] !== 'true') return errors(400, 'missing X-Vault-Request');
    if (call.headers['x-vault-namespace'] !== this.namespace) return errors(404, 'no handler for route');
    if (path === 'auth/approle/login') {
      const isRight = call.body['role_id'] === 'role' && call.body['secret_id'] === this.secretId;
      return isRight ? this.#login() : errors(400, 'invalid role or secret ID');
    }
    if (path === 'auth/kubernetes/login') {
      if (call.body['role'] !== 'agent') return errors(400, 'invalid role name "CANARY"');
      return call.body['jwt'] === this.jwt ? this.#login() : denied();
    }
    const token = String(call.headers['x-vault-token']);
    const held = this.tokens.get(token);
    if (held === undefined) return denied();
    return this.#inside(call, path, token, held);
  }

  #inside({ method, body }: Call, path: string, token: string, held: { ttl: number; renewable: boolean }): Reply {
    if (path === 'auth/token/lookup-self') return { status: 200, body: { data: held } };
    if (path === 'auth/token/renew-self') {
      return { status: 200, body: { auth: { client_token: token, lease_duration: this.tokenTtl, renewable: true } } };
    }
    if (path === 'auth/token/revoke-self') {
      this.tokens.delete(token);
      return { status: 204 };
    }
    if (path.startsWith('sys/internal/ui/mounts/')) return this.#mount(path.slice('sys/internal/ui/mounts/'.length));
    if (path.startsWith('sys/leases/') && method === 'PUT') return this.#lease(path, String(body['lease_id']));
    if (path === this.denied) return denied();
    return this.#read(path);
  }

  #login(): Reply {
    const token = `CANARY-token-${++this.#made}`;
    this.tokens.set(token, { ttl: this.tokenTtl, renewable: true });
    return {
      status: 200,
      body: { auth: { client_token: token, lease_duration: this.tokenTtl, renewable: true } },
    };
  }

  #mount(path: string): Reply {
    const mount = ['secret', 'old', 'database', 'team/kv'].find((one) => path.startsWith(`${one}/`));
    if (mount === undefined) return denied('preflight capability check returned 403');
    const type = mount === 'database' ? 'database' : 'kv';
    const version = mount === 'old' ? '1' : this.kvVersion;
    return { status: 200, body: { data: { path: `${mount}/`, type, options: type === 'kv' ? { version } : null } } };
  }

  #lease(path: string, id: string): Reply {
    const lease = this.leases.get(id);
    if (lease === undefined) return errors(400, 'lease not found');
    if (path.endsWith('revoke')) {
      this.leases.delete(id);
      return { status: 204 };
    }
    lease.renewals += 1;
    return { status: 200, body: { lease_id: id, lease_duration: this.leaseTtl, renewable: true } };
  }

  #read(path: string): Reply {
    const values = { password: 'CANARY-pw', username: 'kept', port: 5432, nested: { a: 1 }, empty: '' };
    const metadata = { deletion_time: '', destroyed: false };
    switch (path) {
      case 'secret/data/app/db':
      case 'team/kv/data/app':
        return { status: 200, body: { data: { data: values, metadata } } };
      case 'secret/app/db':
      case 'old/app/db':
        return { status: 200, body: { lease_id: '', data: values } };
      case 'secret/data/deleted':
        return { status: 404, body: { data: { data: null, metadata: { ...metadata, deletion_time: '2026' } } } };
      case 'secret/data/destroyed':
        return { status: 404, body: { data: { data: null, metadata: { ...metadata, destroyed: true } } } };
      case 'database/static-creds/app':
        return { status: 200, body: { lease_id: '', data: { username: 'static', password: 'CANARY-static' } } };
      case 'database/creds/app': {
        const id = `database/creds/app/${++this.#made}`;
        this.leases.set(id, { ttl: this.leaseTtl, renewals: 0 });
        const data = { username: `v-app-${this.#made}`, password: 'CANARY-dynamic' };
        return { status: 200, body: { lease_id: id, lease_duration: this.leaseTtl, renewable: true, data } };
      }
      case 'database/creds/none':
        return errors(400, 'unknown role: none CANARY-plugin');
      case 'database/creds/broken':
        return errors(500, 'failed: postgres://root:CANARY-plugin@db');
      default:
        return errors(404, '');
    }
  }
}
