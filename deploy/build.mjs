// Bundles the gateway, the agent and the command line into one file each. Takes about a second, so it always runs.

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { build as buildConsole } from 'vite';
import { buildAgent } from './agent-bundle.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

/** What stays in node_modules: the parser brings its own WASM file, and of ssh2 what is compiled, where it is there. */
const external = ['libpg-query', 'cpu-features', '*.node'];

/** Some packages are CommonJS and ask for Node's own modules. */
const banner = {
  js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url); const __dirname = import.meta.dirname;",
};

const bundles = [
  ['gateway/src/main.ts', 'gateway/dist/gateway.mjs'],
  ['gateway/src/protocols/postgres/sql/reader-worker.ts', 'gateway/dist/reader-worker.mjs'],
];

await Promise.all(
  bundles
    .filter(([entry]) => existsSync(`${root}/${entry}`))
    .map(([entry, outfile]) =>
      build({
        absWorkingDir: root,
        entryPoints: [entry],
        outfile,
        bundle: true,
        platform: 'node',
        format: 'esm',
        target: 'node22',
        sourcemap: 'linked',
        legalComments: 'none',
        logLevel: 'warning',
        external,
        banner,
      }),
    ),
);

// The web console, with its own configuration.
if (existsSync(`${root}/gateway/console/index.html`)) {
  await buildConsole({ configFile: `${root}/gateway/console/vite.config.ts` });
}
await buildAgent();

// The command line says how it is bundled itself: its tests do it too.
await import('../gateway/cli/build.mjs');
