import { defineConfig } from 'vite'

// One script for pages without a build: everything is in it, the style sheet too, and Preact instead of React, which is a tenth of the size.
export default defineConfig({
  resolve: {
    alias: [
      { find: 'react-dom/client', replacement: 'preact/compat/client' },
      { find: /^react-dom$/, replacement: 'preact/compat' },
      { find: 'react/jsx-runtime', replacement: 'preact/jsx-runtime' },
      { find: /^react$/, replacement: 'preact/compat' }
    ]
  },
  define: { 'process.env.NODE_ENV': '"production"' },
  publicDir: false,
  build: {
    outDir: 'dist',
    // tsc puts the modules there.
    emptyOutDir: false,
    target: 'es2022',
    rolldownOptions: {
      // "use client" is for servers that render React; here all is client.
      onwarn: (warning, warn) => {
        if (warning.code !== 'MODULE_LEVEL_DIRECTIVE') warn(warning)
      }
    },
    lib: { entry: 'src/standalone.tsx', formats: ['iife'], name: 'lwsgs', fileName: () => 'lwsgs.js' }
  }
})
