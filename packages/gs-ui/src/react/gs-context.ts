'use client'

import { createContext } from 'react'
import type { SessionClient } from '../client/session-client.ts'

export const GsContext = createContext<SessionClient | null>(null)
