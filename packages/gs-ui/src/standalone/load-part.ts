// Read now: it is null as soon as this script has run.
const address = (document.currentScript as HTMLScriptElement | null)?.src ?? location.href

/** Loads a part that lies beside `lwsgs.js`, of the same version. */
export function loadPart<M>(name: string): Promise<M> {
  const url = new URL(`lwsgs-${name}.js`, address)
  url.searchParams.set('v', gsUiVersion)
  return import(/* @vite-ignore */ url.href) as Promise<M>
}
