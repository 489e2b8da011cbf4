/** The name that this browser has for a time zone; null: it knows none of this name. */
function nameOf(timeZone: string): string | null {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: decodeURIComponent(timeZone) }).resolvedOptions().timeZone
  } catch {
    return null
  }
}

/** Whether the server knows this time zone: it keeps it in a cookie whose name ends in `-tz`, perhaps by another name of the same place. */
export function isTold(timeZone: string, cookies: string): boolean {
  return cookies.split('; ').some((cookie) => {
    const [name = '', value = ''] = cookie.split('=')
    return name.endsWith('-tz') && value !== '' && nameOf(value) === nameOf(timeZone)
  })
}
