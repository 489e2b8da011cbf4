import { expect, type Page } from '@playwright/test'

/** ms: what is told is there within a second on a quiet machine (the bench measures it); who asks now and then would take ten. */
export const soon = 5000

/** Does something, and expects that each of the pages shows the text {@link soon} after it is done, if only for a moment. */
export async function expectSoon(cause: () => Promise<unknown>, pages: readonly Page[], text: string, place = '.gs-widget'): Promise<void> {
  // Each page notes the time by itself: asking it would take time too.
  const seen = pages.map((page) =>
    page.evaluate(
      ([wanted, where]) =>
        new Promise<number>((resolve) => {
          const look = () => {
            if (!document.querySelector(where)?.textContent.includes(wanted)) return
            observer.disconnect()
            resolve(Date.now())
          }
          const observer = new MutationObserver(look)
          observer.observe(document.body, { subtree: true, childList: true, characterData: true })
          look()
        }),
      [text, place] as const
    )
  )
  await cause()
  const done = Date.now()
  for (const at of await Promise.all(seen)) expect(at - done).toBeLessThan(soon)
}
