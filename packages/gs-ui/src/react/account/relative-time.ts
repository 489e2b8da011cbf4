import { localeOf } from '../parts/locale-of.ts'

const units: readonly (readonly [unit: Intl.RelativeTimeFormatUnit, seconds: number])[] = [
  ['year', 31_557_600],
  ['month', 2_629_800],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60]
]

/**
 * How long ago something was, in words of the language: "5 minutes ago", "yesterday". Less than a minute is "now", and so is the
 * future, because the clocks of browser and server differ.
 */
export function relativeTime(at: number, now: number, language: string): string {
  const passed = Math.max(0, now - at) / 1000
  const format = new Intl.RelativeTimeFormat(localeOf(language), { numeric: 'auto' })
  const [unit, seconds] = units.find(([, length]) => passed >= length) ?? (['second', Number.POSITIVE_INFINITY] as const)
  return format.format(-Math.floor(passed / seconds), unit)
}
