/** What has been loaded is there at once the next time: by the function that loads it. */
export const loaded = new Map<unknown, unknown>()
