// The agent in one file, and what it loads at first use (the clouds' clients) in chunks beside it.
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** Returns esbuild's result with its metafile; `outdir` is agent/dist where none is given. */
export function buildAgent(outdir = 'agent/dist') {
  return build({
    absWorkingDir: fileURLToPath(new URL('..', import.meta.url)),
    entryPoints: { agent: 'agent/src/main.ts' },
    outdir,
    outExtension: { '.js': '.mjs' },
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    metafile: true,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    sourcemap: 'linked',
    legalComments: 'none',
    logLevel: 'warning',
    // What ssh2 would like to have compiled, and does without.
    external: ['cpu-features', '*.node'],
    // Some packages are CommonJS and ask for Node's own modules, or for where they lie.
    banner: {
      js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url); const __dirname = import.meta.dirname;",
    },
  });
}
