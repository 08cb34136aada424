import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** Nothing of the console comes from another host, and nothing is inlined: the page's policy allows neither. */
export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  logLevel: 'warn',
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2022',
    chunkSizeWarningLimit: 900,
  },
});
