/** How passwords are compared with words: without case, and without what only looks different. */
export const fold = (text: string): string => text.normalize('NFKC').toLowerCase()
