#!/usr/bin/env node
// Plain JavaScript, so that an old Node can still say what is missing.
import { existsSync } from 'node:fs';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(`sallyport needs Node.js 22.18 or newer; this is ${process.versions.node}`);
  process.exit(1);
}
// Built into one file it starts three times as fast.
const built = new URL('../dist/main.mjs', import.meta.url);
const { main } = await import(existsSync(built) ? built : new URL('../src/main.ts', import.meta.url));
process.exitCode = await main(process.argv.slice(2));
