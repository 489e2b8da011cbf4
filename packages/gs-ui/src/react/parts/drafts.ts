'use client'

import { createContext } from 'react'

/** What was typed into forms that are not sent yet, passwords excepted: by path of the form and name of the field. It outlives its panel. */
export type Drafts = Map<string, Readonly<Record<string, string>>>

/** Null: nothing is kept. */
export const DraftsContext = createContext<Drafts | null>(null)
