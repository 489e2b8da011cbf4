import type { NoticeKey } from '../notices.ts'
import type { ChosenPanel, Panel } from './panel-for.ts'

/** What the widget gives to a group of its panels. */
export interface PanelProps {
  /** Which of them is shown. */
  readonly panel: Panel
  readonly passwordHint: string
  /** What was typed as the name or address in another panel. */
  readonly typed: string
  readonly setTyped: (typed: string) => void
  /** The panel to come back to; null: the one that fits by itself. */
  readonly home: ChosenPanel | null
  /** There is nothing to go back to from this panel. */
  readonly alone: boolean | undefined
  /** Shows a panel, or with null the one that fits by itself, and a notice above it. */
  readonly show: (panel: ChosenPanel | null, notice?: NoticeKey | null) => void
}
