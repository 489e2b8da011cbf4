import { expect } from '@playwright/test'
import { test } from './helpers/people.ts'

test.use({ timezoneId: 'Asia/Kolkata' })

test('a page tells the server the time zone of the browser once', async ({ page, context }) => {
  const told: (string | null)[] = []
  page.on('request', (request) => {
    if (new URL(request.url()).pathname === '/lwsgs/time-zone') told.push(request.postData())
  })
  const zone = async () => (await context.cookies()).find(({ name }) => name === 'gs-tz')?.value
  await page.goto('/lwsgs/')
  await expect.poll(zone).toMatch(/^Asia\/(?:Kolkata|Calcutta)$/)
  await page.goto('/lwsgs/')
  await expect(page.getByRole('heading', { name: 'Log in', exact: true })).toBeVisible()
  await page.waitForLoadState('networkidle')
  expect(told).toHaveLength(1)
  expect(told[0]).toMatch(/^\{"timeZone":"Asia\/(?:Kolkata|Calcutta)"\}$/)
})
