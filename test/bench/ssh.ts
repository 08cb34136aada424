import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SshFixture } from '../end-to-end/ssh/fixture.ts';
import { shuffled } from './statistics.ts';

/*
 * SSH by three ways to the same server in one run: straight, over ProxyJump through that server, and through Sallyport.
 * Several rounds in random order; figures are medians, and ratios to ProxyJump within a round.
 */

const rounds = 5;
const bulkMiB = 256;
const strokes = 200;

interface Way {
  readonly name: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

const fixture = await SshFixture.start({ from: 'bundle' });
const folder = mkdtempSync(join(tmpdir(), 'sallyport-bench-ssh-'));
const { sshd, clients } = fixture;
writeFileSync(
  join(folder, 'config'),
  `Host *\n  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n  LogLevel ERROR\n  IdentityFile ${sshd.folder}/user\n  IdentitiesOnly yes\n  Port ${sshd.port}\n  User ${sshd.user}\n`,
);
const plain = ['-F', join(folder, 'config')];
const ways: readonly Way[] = [
  { name: 'direct', args: [...plain, '127.0.0.1'], env: process.env },
  { name: 'ProxyJump', args: [...plain, '-J', '127.0.0.1', '127.0.0.1'], env: process.env },
  { name: 'Sallyport', args: ['-F', clients.configFile, 'plain@127.0.0.1'], env: clients.env(fixture.tokens.dana) },
];

const median = (all: readonly number[]): number =>
  all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? Number.NaN;

function start({ args, env }: Way, options: readonly string[], command: string) {
  return spawn('ssh', [...options, ...args, command], { env, stdio: ['pipe', 'pipe', 'inherit'] });
}

/** MiB/s of what the target sends. */
async function bulk(way: Way): Promise<number> {
  const child = start(way, [], `head -c ${bulkMiB}M /dev/zero`);
  let bytes = 0;
  let began = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    if (began === 0) began = performance.now();
    bytes += chunk.length;
  });
  await once(child, 'close');
  if (bytes !== bulkMiB * 1024 * 1024) throw new Error(`${way.name}: ${bytes} bytes came`);
  return (bulkMiB * 1000) / (performance.now() - began);
}

/** Milliseconds from a byte sent to its echo: the median and the 99th of a hundred. */
async function keystrokes(way: Way): Promise<{ p50: number; p99: number }> {
  const child = start(way, ['-tt'], 'stty raw -echo; echo ready; cat');
  const times: number[] = [];
  const next = () => once(child.stdout, 'data') as Promise<[Buffer]>;
  while (!String((await next())[0]).includes('ready'));
  for (let i = 0; i < strokes; i++) {
    const began = performance.now();
    const echoed = next();
    child.stdin.write('x');
    await echoed;
    times.push(performance.now() - began);
  }
  child.kill();
  await once(child, 'close');
  return { p50: median(times), p99: times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? Number.NaN };
}

/** Milliseconds for a connection, a command and its end. */
async function connection(way: Way): Promise<number> {
  const began = performance.now();
  const child = start(way, [], 'true');
  child.stdin.end();
  await once(child, 'close');
  return performance.now() - began;
}

try {
  const found = new Map(
    ways.map(({ name }) => [
      name,
      { bulk: [] as number[], p50: [] as number[], p99: [] as number[], connect: [] as number[] },
    ]),
  );
  for (let round = 0; round <= rounds; round++) {
    for (const way of shuffled(ways)) {
      const [speed, keys, connect] = [await bulk(way), await keystrokes(way), await connection(way)];
      const into = found.get(way.name);
      // The first round warms up.
      if (round === 0 || into === undefined) continue;
      into.bulk.push(speed);
      into.p50.push(keys.p50);
      into.p99.push(keys.p99);
      into.connect.push(connect);
      process.stderr.write(
        `round ${round} of ${rounds}: ${way.name} ${speed.toFixed(0)} MiB/s, ${keys.p50.toFixed(2)} ms, ${connect.toFixed(0)} ms\n`,
      );
    }
  }
  const jump = found.get('ProxyJump');
  console.log(
    '| way | bulk, MiB/s | of ProxyJump | keystroke p50 / p99, ms | connect and run, ms |\n|---|---|---|---|---|',
  );
  for (const [name, { bulk: speeds, p50, p99, connect }] of found) {
    const ratio = median(speeds.map((speed, i) => speed / (jump?.bulk[i] ?? Number.NaN)));
    console.log(
      `| ${name} | ${median(speeds).toFixed(0)} | ${ratio.toFixed(2)} | ${median(p50).toFixed(2)} / ${median(p99).toFixed(2)} | ${median(connect).toFixed(0)} |`,
    );
  }
} finally {
  await fixture.stop();
  rmSync(folder, { recursive: true, force: true });
}
