import { rmSync } from 'node:fs'

export default function removeData(): void {
  const directory = process.env['E2E_DATA_DIR']
  if (directory?.includes('gs-e2e-')) rmSync(directory, { recursive: true, force: true })
}
