type Content = Record<string, unknown>

/** The data of a session in tests, whose keys no application has declared. */
export interface AnyData {
  read(): Promise<Content>
  patch(changes: Content | ((current: Content) => Content)): Promise<Content>
  readVersion(): Promise<{ data: Content; version: number }>
  replace(data: Content, version: number): Promise<boolean>
  clear(): Promise<void>
}

export const anyData = ({ data }: { readonly data: unknown }): AnyData => data as AnyData

export const count = (current: Content): Content => ({ n: ((current['n'] as number | undefined) ?? 0) + 1 })
