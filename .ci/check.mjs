// The static half of what must hold: types, lint and format, import floors, the protocol's compatibility.
import { spawnSync } from 'node:child_process';

const against = spawnSync('git', ['rev-parse', '--verify', '-q', 'HEAD:proto/sallyport'], { encoding: 'utf8' });
const steps = [
  ...['shared', 'gateway', 'gateway/cli', 'gateway/console', 'agent', 'deploy', 'test'].map((dir) => [
    'tsc',
    '-p',
    dir,
  ]),
  ['biome', 'check', '.'],
  ['buf', 'lint'],
  ...(against.status === 0 ? [['buf', 'breaking', '--against', '.git#ref=HEAD']] : []),
  ['node', '--test', 'test/architecture/imports.test.ts'],
];

let failed = 0;
for (const [command, ...args] of steps) {
  console.log(`— ${command} ${args.join(' ')}`);
  if (spawnSync(command, args, { stdio: 'inherit' }).status !== 0) failed++;
}
console.log(`${steps.length - failed} checks passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
