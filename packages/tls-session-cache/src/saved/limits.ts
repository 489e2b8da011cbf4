/** More is neither written nor read. */
export const most = {
  /** Bytes of what is saved. */
  bytes: 16 * 1024 * 1024,
  records: 20_000,
  /** Bytes of one record. */
  record: 32_768
} as const
