import { AxeBuilder } from '@axe-core/playwright'
import { expect, type Page } from '@playwright/test'
import { walks } from './helpers/panels.ts'
import { test } from './helpers/people.ts'

/** What axe finds, in a line for each element. */
async function faultsOf(page: Page, rules: readonly string[] | null): Promise<string[]> {
  // Legacy mode opens no further tab; there are no frames that would need one.
  const axe = new AxeBuilder({ page }).setLegacyMode()
  if (rules === null) axe.options({ rules: { 'target-size': { enabled: true } } })
  else axe.withRules([...rules])
  const { violations } = await axe.analyze()
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary = '' }) => `${id}: ${target.join(' ')} ${failureSummary.replaceAll(/\s+/g, ' ')}`)
  )
}

for (const [name, walk] of Object.entries(walks)) {
  test(`axe finds nothing: ${name}`, async ({ page, mailbox }) => {
    await walk(page, mailbox, async (state) => {
      await page.emulateMedia({ colorScheme: 'light' })
      expect.soft(await faultsOf(page, null), `${state}, light`).toEqual([])
      await page.emulateMedia({ colorScheme: 'dark' })
      // What the scheme changes.
      expect.soft(await faultsOf(page, ['color-contrast', 'link-in-text-block']), `${state}, dark`).toEqual([])
    })
  })
}
