/** What a browser says of itself, as far as it is known here. */
export interface Device {
  /** Null: some other one. */
  readonly browser: string | null
  /** Null: some other one. */
  readonly system: string | null
}

/** Most name themselves after others too, so the order decides. */
const browsers: readonly (readonly [name: string, sign: RegExp])[] = [
  ['Edge', /\bEdg(?:e|A|iOS)?\//],
  ['Opera', /\b(?:OPR|OPT|OPX|Opera)\//],
  ['Samsung Internet', /\bSamsungBrowser\//],
  ['Firefox', /\b(?:Firefox|FxiOS)\//],
  ['Chrome', /(?:Chrome|Chromium|CriOS)\//],
  ['Safari', /\bVersion\/[\d.]+ .*\bSafari\//]
]

const systems: readonly (readonly [name: string, sign: RegExp])[] = [
  ['iPhone', /\biPhone\b/],
  ['iPad', /\biPad\b/],
  ['Android', /\bAndroid\b/],
  ['Windows', /\bWindows\b/],
  ['ChromeOS', /\bCrOS\b/],
  ['macOS', /\bMacintosh\b/],
  ['Linux', /\bLinux\b/]
]

/** Finds what a `User-Agent` names. It is what somebody claims, so only names of the tables come out. */
export function deviceOf(userAgent: string): Device {
  return { browser: findIn(browsers, userAgent), system: findIn(systems, userAgent) }
}

function findIn(table: readonly (readonly [name: string, sign: RegExp])[], userAgent: string): string | null {
  return table.find(([, sign]) => sign.test(userAgent))?.[0] ?? null
}
