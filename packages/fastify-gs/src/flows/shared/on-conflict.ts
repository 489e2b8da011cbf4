import { isGsError } from '../../errors.ts'

/** Does it once more when the password hash was replaced meanwhile: a login renews an old hash behind the visitor's back. */
export async function onceMoreOnConflict<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!isGsError(error) || error.code !== 'GS_CONFLICT') throw error
    return work()
  }
}
