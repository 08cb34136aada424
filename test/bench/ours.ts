import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from '../harness/postgres.ts';
import { Stack } from '../harness/stack.ts';
import type { Contender } from './contender.ts';
import { listening } from './servers.ts';

const root = join(import.meta.dirname, '../..');

/** The same tunnel, agent and handshake without judging, recording and journal. */
export async function bareRelay(target: number): Promise<Contender> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-bench-relay-'));
  const [port, tunnel] = [await freePort(), await freePort()];
  const gateway = spawn(
    process.execPath,
    [join(import.meta.dirname, 'bare-relay.ts'), String(port), String(tunnel), String(target), join(folder, 'gateway')],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const [token] = (await once(createInterface({ input: gateway.stdout }), 'line')) as [string];
  const agent = spawn(
    process.execPath,
    [
      join(root, 'agent/dist/agent.mjs'),
      '--gateway',
      `127.0.0.1:${tunnel}`,
      '--data',
      join(folder, 'agent'),
      '--name',
      'bench',
    ],
    {
      stdio: 'ignore',
      env: { PATH: process.env['PATH'], SALLYPORT_JOIN_TOKEN: token, SALLYPORT_TARGETS: '127.0.0.1:*' },
    },
  );
  await listening(port);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  return {
    name: 'bare relay',
    port,
    database: 'bench',
    user: 'postgres',
    password: '',
    processes: { gateway: gateway.pid ?? 0, agent: agent.pid ?? 0 },
    async stop() {
      await Promise.all([agent, gateway].map(ended));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const resources = (target: number): string => `
kind: Connection
name: bench
spec:
  protocol: postgres
  agent: test-agent
  target: { host: 127.0.0.1, port: ${target}, database: postgres, tls: disable }
  credential: { username: postgres }
---
kind: Connection
name: masked
spec:
  protocol: postgres
  agent: test-agent
  target: { host: 127.0.0.1, port: ${target}, database: postgres, tls: disable }
  credential: { username: postgres }
---
kind: User
name: bench
spec: { groups: [engineering] }
---
kind: Rule
name: engineers-work
spec: { who: { groups: [engineering] }, then: allow }
---
kind: Rule
name: nothing-is-dropped
spec: { who: { groups: [engineering] }, actions: [drop, truncate], then: deny }
---
kind: Rule
name: changes-need-a-condition
spec:
  who: { groups: [engineering] }
  when: 'action.verb in ["update", "delete"] && !action.hasWhere'
  then: approve
  approvers: { groups: [dba] }
---
kind: Mask
name: personal-data
spec: { connections: { names: [masked] }, columns: [public.wide.name, public.wide.email, public.wide.token] }
`;

const stacks = new Map<number, { stack: Stack; users: number }>();

/** The product as people run it, with rules, recording and journal on; one stack serves all of its contenders. */
export async function sallyport(target: number, name: string, connection: string): Promise<Contender> {
  const known = stacks.get(target);
  const stack = known?.stack ?? (await Stack.start({ from: 'bundle' }));
  if (known === undefined) await stack.apply(resources(target));
  stacks.set(target, { stack, users: (known?.users ?? 0) + 1 });
  return {
    name,
    port: stack.ports.postgres,
    database: connection,
    user: 'bench',
    password: await stack.token('bench'),
    processes: { gateway: stack.gateway?.pid ?? 0, agent: stack.agent?.pid ?? 0 },
    async stop() {
      const left = stacks.get(target);
      if (left === undefined) return;
      stacks.set(target, { stack, users: left.users - 1 });
      if (left.users > 1) return;
      stacks.delete(target);
      await stack.stop();
    },
  };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await exit;
}
