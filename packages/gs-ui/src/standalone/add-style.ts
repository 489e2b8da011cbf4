/** A style sheet made by script is allowed by every Content-Security-Policy that allows this script. */
export function addStyle(css: string): void {
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(css)
  document.adoptedStyleSheets.push(sheet)
}
