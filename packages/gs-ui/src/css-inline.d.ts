/** Vite gives the text of a style sheet that is imported so. */
declare module '*.css?inline' {
  const css: string
  export default css
}
