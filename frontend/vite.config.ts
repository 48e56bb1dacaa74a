import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

/** Where `npm run dev` finds the API and the WebSockets: nginx of the local profile unless told otherwise. */
const target = process.env.STOCK_DEV_TARGET ?? 'http://127.0.0.1:8088';

/** A module under `folder` of the page's own, not of the API's page, which is another entry. */
function firstOf(folder: string): (id: string) => boolean {
  return (id) => id.includes(`/${folder}/`) && !/swagger-ui|src\/api-docs/.test(id);
}

export default defineConfig({
  plugins: [react()],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  server: {
    host: '127.0.0.1',
    port: Number(process.env.STOCK_DEV_PORT ?? 5173),
    strictPort: true,
    proxy: {
      '/api': { target, changeOrigin: false },
      '/ws': { target, ws: true, changeOrigin: false },
    },
  },
  build: {
    target: 'es2022',
    // A Content-Security-Policy without unsafe-inline and data: leaves no room for inlined assets.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // Kilobytes: Swagger UI, which only the API's page loads, is one file.
    chunkSizeWarningLimit: 1600,
    rolldownOptions: {
      input: ['index.html', 'api-docs.html'],
      output: {
        codeSplitting: {
          // Every file costs its request, and a page waits for all of its own: few, of what is needed together.
          groups: [
            { name: 'charts', test: /node_modules[\\/](lightweight-charts|fancy-canvas)[\\/]/, priority: 3 },
            // Libraries change seldom: their own file stays in the browser's cache over our releases.
            { name: 'vendor', test: firstOf('node_modules'), tags: ['$initial'], priority: 2 },
            { name: 'app', test: firstOf('src'), tags: ['$initial'], priority: 2 },
            // What several of the other pages share.
            { name: 'table', test: /node_modules[\\/]@tanstack[\\/]/, priority: 1 },
            { name: 'widgets', test: /node_modules[\\/].*\.m?js$/, minShareCount: 2, priority: 1 },
            { name: 'shared', test: /src[\\/].*\.tsx?$/, minShareCount: 2 },
          ],
        },
      },
    },
  },
  test: {
    environment: 'jsdom',
    setupFiles: ['./src/testing/setup.ts'],
    testTimeout: 60_000,
    restoreMocks: true,
    unstubGlobals: true,
    include: ['src/**/*.test.{ts,tsx}'],
  },
});
