import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { freePort } from './postgres.ts';

const root = join(import.meta.dirname, '../..');

/** As the command line starts them. */
function nodeFlags(entry: string): string[] {
  const described = readFileSync(join(root, entry.split('/')[0] ?? '', 'package.json'), 'utf8');
  return (JSON.parse(described) as { sallyport?: { nodeFlags?: string[] } }).sallyport?.nodeFlags ?? [];
}

/** Entry points: the sources as they are, or what `deploy/build.mjs` made of them. */
const entries = {
  source: {
    gateway: 'gateway/src/main.ts',
    agent: 'agent/src/main.ts',
    cli: 'gateway/cli/bin/sallyport.mjs',
  },
  bundle: {
    gateway: 'gateway/dist/gateway.mjs',
    agent: 'agent/dist/agent.mjs',
    cli: 'gateway/cli/bin/sallyport.mjs',
  },
} as const;

export interface StackOptions {
  readonly from?: keyof typeof entries;
  /** Further keys of the gateway's configuration file, as YAML. */
  readonly config?: string;
  /** Further listeners: name and port. */
  readonly listen?: Readonly<Record<string, number>>;
  /** The agent's environment: secrets of targets. */
  readonly secrets?: Readonly<Record<string, string>>;
  readonly agent?: string;
  /** Further arguments of Node for both processes: profiles, memory. */
  readonly nodeArgs?: readonly string[];
}

export interface Ports {
  readonly web: number;
  readonly tunnel: number;
  readonly postgres: number;
  /** HTTP APIs and Kubernetes. */
  readonly kubernetes: number;
}

export interface CliResult {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** A gateway and an agent as processes of their own, as people run them. */
export class Stack {
  readonly folder = mkdtempSync(join(tmpdir(), 'sallyport-stack-'));
  readonly #options: StackOptions;
  readonly #entries: (typeof entries)[keyof typeof entries];
  ports: Ports = { web: 0, tunnel: 0, postgres: 0, kubernetes: 0 };
  gateway: ChildProcess | undefined;
  agent: ChildProcess | undefined;
  /** An administrator's token. */
  admin = '';
  /** What both have said, newest last; for messages of failed tests. */
  readonly log: string[] = [];

  private constructor(options: StackOptions) {
    this.#options = options;
    this.#entries = entries[options.from ?? 'source'];
  }

  static async start(options: StackOptions = {}): Promise<Stack> {
    const stack = new Stack(options);
    try {
      stack.ports = {
        web: await freePort(),
        tunnel: await freePort(),
        postgres: await freePort(),
        kubernetes: await freePort(),
      };
      stack.#writeConfig();
      await stack.startGateway();
      stack.admin = await stack.#signIn();
      await stack.#enrol();
    } catch (error) {
      await stack.stop();
      throw new Error(`the stack did not start; it said:\n${stack.log.slice(-40).join('\n')}`, { cause: error });
    }
    return stack;
  }

  get dataFolder(): string {
    return join(this.folder, 'gateway');
  }

  async startGateway(): Promise<void> {
    this.gateway = this.#spawn(this.#entries.gateway, ['--config', join(this.folder, 'gateway.yaml')], {});
    await this.#said(this.gateway, /"msg":"ready"/);
  }

  async startAgent(args: readonly string[] = [], environment: NodeJS.ProcessEnv = {}): Promise<void> {
    const where = ['--gateway', `127.0.0.1:${this.ports.tunnel}`, '--data', join(this.folder, 'agent')];
    this.agent = this.#spawn(this.#entries.agent, [...where, '--log', 'json', ...args], {
      ...this.#options.secrets,
      ...environment,
    });
    await this.agentUp();
  }

  /** Resolves when the gateway lists the agent. */
  async agentUp(): Promise<void> {
    const until = Date.now() + 20_000;
    while (Date.now() < until) {
      const { agents = [] } = await this.call<{ agents?: { online?: boolean }[] }>('AgentService/ListAgents', {});
      if (agents.some(({ online }) => online === true)) return;
      await new Promise((again) => setTimeout(again, 25));
    }
    throw new Error('the agent did not come up');
  }

  /** One call of the API as curl would make it. @throws Error with the gateway's message */
  async call<T>(method: string, body: unknown, token = this.admin): Promise<T> {
    const response = await fetch(`http://127.0.0.1:${this.ports.web}/sallyport.api.v1.${method}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(token === '' ? {} : { authorization: `Bearer ${token}` }) },
      body: JSON.stringify(body),
    });
    const answer = (await response.json()) as T & { code?: string; message?: string };
    if (!response.ok) throw new Error(`${method}: ${answer.code}: ${answer.message}`);
    return answer;
  }

  /** Applies resources as YAML. */
  async apply(yaml: string): Promise<void> {
    await this.call('ResourceService/ApplyResources', { documents: [{ file: 'test.yaml', text: yaml }] });
  }

  /** A token of a user who was applied; for an hour. */
  async token(user: string, connection = ''): Promise<string> {
    const { token } = await this.call<{ token: { secret: string } }>('IdentityService/MintToken', { user, connection });
    return token.secret;
  }

  /** Runs the command line with somebody's token. */
  async cli(args: readonly string[], token = this.admin): Promise<CliResult> {
    const env = {
      PATH: process.env['PATH'],
      HOME: this.folder,
      NO_COLOR: '1',
      SALLYPORT_URL: `http://127.0.0.1:${this.ports.web}`,
      SALLYPORT_TOKEN: token,
    };
    const child = spawn(process.execPath, [join(root, this.#entries.cli), ...args], { env });
    child.stdin.end();
    const closed = once(child, 'close');
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
    await closed;
    return { status: child.exitCode ?? -1, out, err };
  }

  conninfo(connection: string, user = 'anybody'): string {
    return `host=127.0.0.1 port=${this.ports.postgres} dbname=${connection} user=${user} sslmode=require`;
  }

  async stop(): Promise<void> {
    await Promise.all([end(this.agent, 'SIGTERM'), end(this.gateway, 'SIGTERM')]);
    rmSync(this.folder, { recursive: true, force: true });
  }

  async kill(which: 'gateway' | 'agent'): Promise<void> {
    await end(this[which], 'SIGKILL');
  }

  #writeConfig(): void {
    const { web, tunnel, postgres, kubernetes } = this.ports;
    const all = { web, tunnel, postgres, kubernetes, ssh: 0, ...this.#options.listen };
    const listeners = Object.entries(all).map(([name, port]) => `${name}: ${port === 0 ? 'off' : `127.0.0.1:${port}`}`);
    const listen = `listen: { ${listeners.join(', ')} }`;
    const more = this.#options.config ?? '';
    writeFileSync(
      join(this.folder, 'gateway.yaml'),
      `${listen}\ndata: ${this.dataFolder}\nlog: { format: json }\n${more}\n`,
    );
  }

  async #signIn(): Promise<string> {
    const password = readFileSync(join(this.dataFolder, 'initial-admin-password'), 'utf8').trim();
    const answer = await this.call<{ token: { secret: string } }>(
      'IdentityService/SignIn',
      { user: 'admin', password },
      '',
    );
    return answer.token.secret;
  }

  async #enrol(): Promise<void> {
    const name = this.#options.agent ?? 'test-agent';
    const { token } = await this.call<{ token: string }>('AgentService/CreateJoinToken', { name });
    await this.startAgent(['--name', name], { SALLYPORT_JOIN_TOKEN: token });
  }

  #spawn(entry: string, args: readonly string[], environment: NodeJS.ProcessEnv): ChildProcess {
    const child = spawn(
      process.execPath,
      [
        '--disable-warning=ExperimentalWarning',
        ...nodeFlags(entry),
        ...(this.#options.nodeArgs ?? []),
        join(root, entry),
        ...args,
      ],
      {
        // Targets of tests are on this machine.
        env: { PATH: process.env['PATH'], SALLYPORT_TARGETS: '127.0.0.0/8:*,[::1]:*,localhost:*', ...environment },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on('line', (line) => {
        this.log.push(line);
        child.emit('said', line);
      });
    }
    return child;
  }

  async #said(child: ChildProcess, wanted: RegExp): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      child.on('said', (line: string) => wanted.test(line) && resolve());
      child.once('exit', (code) => reject(new Error(`it ended with ${code}`)));
    });
  }
}

async function end(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill(signal);
  await exit;
}
