import { expect, type APIRequestContext } from '@playwright/test'

export interface CaughtMail {
  readonly id: string
  readonly to: string
  readonly subject: string
  readonly text: string
  readonly html: string
  readonly date: string
}

async function mailsTo(request: APIRequestContext, address: string): Promise<CaughtMail[]> {
  const response = await request.get('/mailbox/messages.json')
  expect(response.status()).toBe(200)
  const mails = (await response.json()) as CaughtMail[]
  return mails.filter((mail) => mail.to === address).toSorted((a, b) => a.date.localeCompare(b.date))
}

/** Waits for a mail with this subject; `count` such mails must have come. */
export async function findMail(request: APIRequestContext, address: string, subject: RegExp, count = 1): Promise<CaughtMail> {
  let found: CaughtMail[] = []
  await expect
    .poll(
      async () => {
        found = (await mailsTo(request, address)).filter((mail) => subject.test(mail.subject))
        return found.length
      },
      { message: `mails to ${address} with ${subject}` }
    )
    .toBe(count)
  return found.at(-1)!
}

/** The one link in a mail. */
export function linkIn(mail: CaughtMail): string {
  const links = [...mail.text.matchAll(/https?:\/\/\S+/g)].map(([link]) => link)
  expect(links).toHaveLength(1)
  return links[0]!
}

/** The one code in a mail. */
export function codeIn(mail: CaughtMail): string {
  const codes = [...mail.text.matchAll(/^\s*(\d[\d ]{4,}\d)\s*$/gm)].map(([, code]) => code!.replaceAll(' ', ''))
  expect(codes).toHaveLength(1)
  return codes[0]!
}
