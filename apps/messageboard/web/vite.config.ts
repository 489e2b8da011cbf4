import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

export default defineConfig({
  base: '/lwsgs/',
  plugins: [react()],
  // ../public holds the protected pages, which the server serves by itself behind their policies.
  publicDir: false,
  build: {
    outDir: '../dist',
    emptyOutDir: true,
    // The Content-Security-Policy of the board allows files of its own origin only: nothing inline, no data: addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false }
  }
})
