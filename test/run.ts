// Runs every test of the project and closes with a plain line: «N passed, N failed».
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

const root = join(import.meta.dirname, '..');
const wanted = process.argv.slice(2);
const files = globSync(
  ['{shared,agent,gateway}/src/**/*.test.ts', 'gateway/cli/src/**/*.test.ts', 'test/**/*.test.ts'],
  {
    cwd: root,
    exclude: (name) => name === 'node_modules',
  },
).filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)));

let passed = 0;
let failed = 0;
const stream = run({ files: files.map((file) => join(root, file)), concurrency: 2, timeout: 900_000 });
stream.on('test:pass', ({ details }) => {
  if (details.type !== 'suite') passed++;
});
stream.on('test:fail', ({ details }) => {
  if (details.type !== 'suite') failed++;
});
stream.on('end', () => {
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
  setImmediate(() => console.log(`${passed} passed, ${failed} failed`));
});
stream.compose(spec).pipe(process.stdout);
