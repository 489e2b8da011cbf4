'use client'

import type { ReactNode } from 'react'
import { Widget, type WidgetLooks } from './widget.tsx'

/** Props of `<GsLogin/>`. */
export type GsLoginProps = WidgetLooks

/**
 * The whole widget, one panel at a time: log in, sign up, verify, recover; change the password and the address, see and end sessions, delete
 * the account, log out; for admins the administration. Needs `<GsProvider>` around it and `gs-ui/gs-ui.css`.
 */
export const GsLogin: (props: GsLoginProps) => ReactNode = Widget
