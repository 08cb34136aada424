#!/usr/bin/env node
import { existsSync } from 'node:fs';

const bundle = new URL('../dist/agent.mjs', import.meta.url);
await import(existsSync(bundle) ? bundle : new URL('../src/main.ts', import.meta.url));
