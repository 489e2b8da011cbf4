import type { GsFailure } from '../../client/api-errors.ts'

/** What a form says after it was refused. */
export interface Refusal {
  /** Sentences for the fields that it is about, by name. */
  readonly errors: Readonly<Record<string, string>>
  /** What is not about a field. */
  readonly general: string | null
  /** Seconds after which a new attempt makes sense. */
  readonly retryAfter: number | null
}

export const noRefusal: Refusal = { errors: {}, general: null, retryAfter: null }

/** Says at the field what the server refused about it, or at the form when the form has no such field; and in both cases when to try again. */
export function refusalOf(failure: GsFailure, hasField: (name: string) => boolean): Refusal {
  const { field, message } = failure
  const retryAfter = failure.retryAfter ?? null
  if (field !== undefined && hasField(field)) return { errors: { [field]: message }, general: null, retryAfter }
  return { errors: {}, general: message, retryAfter }
}

/** What is still to be said once somebody changes a field. */
export function withoutError(refusal: Refusal, name: string): Refusal {
  if (refusal.errors[name] === undefined) return refusal
  return { ...refusal, errors: Object.fromEntries(Object.entries(refusal.errors).filter(([other]) => other !== name)) }
}

/** The fields that were left empty. Only a password may consist of spaces. */
export function findEmpty(required: Readonly<Record<string, string>>, read: (name: string) => string): Readonly<Record<string, string>> {
  const isEmpty = (name: string) => (/password/i.test(name) ? read(name) : read(name).trim()) === ''
  return Object.fromEntries(Object.entries(required).filter(([name]) => isEmpty(name)))
}
