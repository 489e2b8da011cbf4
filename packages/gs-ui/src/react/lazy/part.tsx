'use client'

import { useEffect, useState, type ReactNode } from 'react'
import { useCoreText } from '../use-text.tsx'
import { loaded } from './loaded.ts'

interface PartProps<M> {
  readonly load: () => Promise<M>
  /** A page without scripts that does the same. */
  readonly plain: string
  /** Called when it has come, and has to have the part drawn again. */
  readonly onLoad: (module: M) => void
  readonly children: (module: M) => ReactNode
}

/** A part of the widget that is loaded when it is needed. */
export function Part<M>({ load, plain, onLoad, children }: PartProps<M>): ReactNode {
  const say = useCoreText()
  const [failed, setFailed] = useState<unknown>()
  // Not a state: another part in the same place must not get this one.
  const module = loaded.get(load) as M | undefined

  useEffect(() => {
    if (loaded.has(load)) return undefined
    let current = true
    const put = (found: M) => {
      loaded.set(load, found)
      if (current) onLoad(found)
    }
    load().then(put, () => current && setFailed(() => load))
    return () => {
      current = false
    }
  }, [load, onLoad])

  if (module !== undefined) return children(module)
  if (failed !== load) return <p className="gs-loading">{say('loading')}</p>
  return (
    <p role="alert" className="gs-failure">
      {say('part.missing')} <a href={plain}>{say('part.plain')}</a>
    </p>
  )
}
