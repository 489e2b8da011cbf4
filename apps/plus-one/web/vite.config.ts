import { defineConfig } from 'vite'

export default defineConfig({
  build: {
    outDir: '../dist',
    emptyOutDir: true,
    // The Content-Security-Policy of the server allows files of its own origin only.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false }
  }
})
