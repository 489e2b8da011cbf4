/** How long ago, while that says more than the time of the day. */
export function describeTime(time: Date, now: number, locale?: string): string {
  const minutes = Math.floor((now - time.getTime()) / 60_000)
  // Clocks differ: what comes from the future is new.
  if (minutes >= 60) return new Intl.DateTimeFormat(locale, { timeStyle: 'short' }).format(time)
  const relative = new Intl.RelativeTimeFormat(locale, { style: 'short', numeric: 'auto' })
  return minutes <= 0 ? relative.format(0, 'second') : relative.format(-minutes, 'minute')
}

/** Today, yesterday, or the date. */
export function describeDay(time: Date, now: number, locale?: string): string {
  const days = Math.round((startOfDay(new Date(now)) - startOfDay(time)) / 86_400_000)
  if (days > 1) return new Intl.DateTimeFormat(locale, { dateStyle: 'full' }).format(time)
  return capitalise(new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }).format(-Math.max(0, days), 'day'), locale)
}

/** The whole of it, down to the second. */
export function describeExactly(time: Date, locale?: string): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: 'full', timeStyle: 'medium' }).format(time)
}

function startOfDay(time: Date): number {
  return new Date(time.getFullYear(), time.getMonth(), time.getDate()).getTime()
}

function capitalise(text: string, locale: string | undefined): string {
  const [first = '', ...rest] = text
  return first.toLocaleUpperCase(locale) + rest.join('')
}

const listeners = new Set<() => void>()
let timer: ReturnType<typeof setInterval> | undefined

/** Called now and then, for texts that depend on how late it is. */
export function subscribeToClock(listener: () => void): () => void {
  listeners.add(listener)
  timer ??= setInterval(() => listeners.forEach((listen) => listen()), 15_000)
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
}
