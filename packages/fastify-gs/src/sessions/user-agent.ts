import { visible } from './visible.ts'

const longest = 512

/** What a browser calls itself, for people to read; at most 512 characters. */
export function readableUserAgent(userAgent: string): string {
  return visible(userAgent).slice(0, longest).toWellFormed()
}
