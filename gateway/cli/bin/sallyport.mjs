#!/usr/bin/env node
// Plain JavaScript, so that an old Node can still find a newer one, or say what is missing.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  // A checkout brings its own Node.
  const own = fileURLToPath(new URL('../../../node_modules/.bin/node', import.meta.url));
  if (!existsSync(own)) {
    console.error(`sallyport needs Node.js 22.18 or newer; this is ${process.versions.node}`);
    process.exit(1);
  }
  const args = [fileURLToPath(import.meta.url), ...process.argv.slice(2)];
  process.exit(spawnSync(own, args, { stdio: 'inherit' }).status ?? 1);
}
// Built into one file it starts three times as fast.
const built = new URL('../dist/main.mjs', import.meta.url);
const { main } = await import(existsSync(built) ? built : new URL('../src/main.ts', import.meta.url));
process.exitCode = await main(process.argv.slice(2));
