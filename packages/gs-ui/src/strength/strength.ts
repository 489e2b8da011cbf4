/** Placeholder until the library is wired. */
export interface Strength {
  readonly score: 0 | 1 | 2 | 3 | 4
}
