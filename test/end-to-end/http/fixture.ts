import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';
import { selfSigned } from '../../harness/certificate.ts';
import { Stack } from '../../harness/stack.ts';
import { ApiTarget } from './target.ts';

/** What only the agent may know. */
export const apiKey = 'target-key-4711-never-to-be-seen';

const access = (plain: number, secure: number, ca: string): string => `
kind: Connection
name: shop
spec:
  protocol: http
  agent: test-agent
  target: { url: "http://127.0.0.1:${plain}" }
  credential: { header: { name: X-Api-Key, secret: "env:API_KEY" } }
  hosts: [shop.example.test]
---
kind: Connection
name: based
spec:
  protocol: http
  agent: test-agent
  target: { url: "http://127.0.0.1:${plain}/base/v1/" }
  credential: { basic: { username: svc, password: "env:API_KEY" } }
---
kind: Connection
name: bank
spec:
  protocol: http
  agent: test-agent
  target:
    url: "https://localhost:${secure}"
    ca: ${JSON.stringify(ca)}
  credential: { bearer: "env:API_KEY" }
---
kind: Connection
name: distrusted
spec:
  protocol: http
  agent: test-agent
  target: { url: "https://localhost:${secure}" }
---
kind: Connection
name: nowhere
spec:
  protocol: http
  agent: test-agent
  target: { url: "http://127.0.0.1:9" }
---
kind: Connection
name: guarded
spec:
  protocol: http
  agent: test-agent
  target: { url: "http://127.0.0.1:${plain}" }
---
kind: User
name: alice
spec: { groups: [engineering] }
---
kind: User
name: bob
spec: { groups: [engineering] }
---
kind: User
name: dana
spec: { groups: [approvers] }
---
kind: Rule
name: all-but-guarded
spec:
  who: { groups: [engineering] }
  connections: { names: [shop, based, bank, distrusted, nowhere] }
  then: allow
---
kind: Rule
name: nothing-is-deleted
spec:
  who: { any: true }
  actions: [delete]
  then: deny
  reason: nothing is deleted by hand
---
kind: Rule
name: read-guarded
spec:
  who: { groups: [engineering] }
  connections: { names: [guarded] }
  actions: [read]
  then: allow
---
kind: Rule
name: small-orders
spec:
  who: { groups: [engineering] }
  connections: { names: [guarded] }
  actions: [post]
  when: action.path == "/orders" && action.body.amount < 100
  then: allow
---
kind: Rule
name: refunds
spec:
  who: { groups: [engineering] }
  connections: { names: [guarded] }
  actions: [post]
  when: action.path == "/refunds"
  then: approve
  approvers: { groups: [approvers], timeout: 30s }
`;

export interface CurlResult {
  readonly status: number;
  readonly head: string;
  readonly body: string;
  readonly exitCode: number;
  readonly err: string;
}

export class HttpStage {
  readonly stack: Stack;
  readonly plain: ApiTarget;
  readonly secure: ApiTarget;
  token = '';

  private constructor(stack: Stack, plain: ApiTarget, secure: ApiTarget) {
    this.stack = stack;
    this.plain = plain;
    this.secure = secure;
  }

  static async start(more = ''): Promise<HttpStage> {
    const pair = selfSigned();
    const [plain, secure] = [await ApiTarget.start(), await ApiTarget.start(pair)];
    const stack = await Stack.start({ secrets: { API_KEY: apiKey } });
    const stage = new HttpStage(stack, plain, secure);
    await stack.apply(access(plain.port, secure.port, pair.cert) + more);
    stage.token = await stack.token('alice');
    return stage;
  }

  get url(): string {
    return `https://127.0.0.1:${this.stack.ports.kubernetes}`;
  }

  /** A path of the gateway's, with alice's token unless `args` bring another. */
  async curl(path: string, ...args: readonly string[]): Promise<CurlResult> {
    const isNamed = args.some((arg) => /^(authorization|sallyport-token):/i.test(arg) || arg === '-u');
    const who = isNamed ? [] : ['-H', `Authorization: Bearer ${this.token}`];
    const all = [
      '-sSk',
      '--path-as-is',
      '-D',
      '/dev/stderr',
      '-w',
      '%{stderr}\n%{http_code}',
      ...who,
      ...args,
      `${this.url}${path}`,
    ];
    const child = spawn('curl', all, { stdio: ['ignore', 'pipe', 'pipe'] });
    const closed = once(child, 'close');
    const [out, err] = await Promise.all([buffer(child.stdout), buffer(child.stderr)]);
    await closed;
    const said = err.toString('latin1');
    const status = Number(said.slice(said.lastIndexOf('\n') + 1));
    return { status, head: said.toLowerCase(), body: out.toString('utf8'), exitCode: child.exitCode ?? -1, err: said };
  }

  async stop(): Promise<void> {
    await Promise.all([this.stack.stop(), this.plain.stop(), this.secure.stop()]);
  }
}
