/** Vite gives the text of a style sheet that is imported so. */
declare module '*.css?inline' {
  const css: string
  export default css
}

/** Changes with each build, so that no browser mixes parts of two versions. */
declare const gsUiVersion: string
