'use client'

import { useEffect, useMemo, useState } from 'react'
import type { AdminPage } from '../../client/admin-types.ts'
import { PagedList, type LoadPage, type PagedState } from '../../client/paged-list.ts'

export type Paged<T, P extends AdminPage> = PagedState<T, P> & Pick<PagedList<T, P>, 'showMore' | 'reload' | 'refresh' | 'change'>

/** Loads a list page by page, from the beginning whenever `load` is another function. `entriesOf` must stay the same. */
export function usePaged<T, P extends AdminPage>(load: LoadPage<P>, entriesOf: (page: P) => readonly T[]): Paged<T, P> {
  const [state, setState] = useState<PagedState<T, P>>({ entries: null, page: null, busy: true, failure: null })
  const list = useMemo(() => new PagedList(entriesOf, setState), [entriesOf])
  useEffect(() => {
    list.start(load)
    return list.stop
  }, [list, load])
  const { showMore, reload, refresh, change } = list
  return { ...state, showMore, reload, refresh, change }
}
