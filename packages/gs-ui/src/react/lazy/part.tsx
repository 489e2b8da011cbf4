'use client'

import { useEffect, useState, type ReactNode } from 'react'
import { useCoreText } from '../use-text.tsx'

interface PartProps<M> {
  readonly load: () => Promise<M>
  /** A page without scripts that does the same. */
  readonly plain: string
  readonly children: (module: M) => ReactNode
}

/** What has been loaded is there at once the next time. */
const loaded = new Map<unknown, unknown>()

/** A part of the widget that is loaded when it is needed. */
export function Part<M>({ load, plain, children }: PartProps<M>): ReactNode {
  const say = useCoreText()
  const [module, setModule] = useState(() => loaded.get(load) as M | undefined)
  const [failed, setFailed] = useState(false)

  useEffect(() => {
    if (module !== undefined) return undefined
    let current = true
    const put = (found: M) => {
      loaded.set(load, found)
      if (current) setModule(() => found)
    }
    load().then(put, () => current && setFailed(true))
    return () => {
      current = false
    }
  }, [load, module])

  if (module !== undefined) return children(module)
  if (!failed) return <p className="gs-loading">{say('loading')}</p>
  return (
    <p role="alert" className="gs-failure">
      {say('part.missing')} <a href={plain}>{say('part.plain')}</a>
    </p>
  )
}
