import { fileStorage } from '../client/file-storage.ts'

// A process of a test: it stores many items of its own in a file that others use as well.

const [path, name, count] = process.argv.slice(2)
const storage = fileStorage(path!)
for (let n = 0; n < Number(count); n++) await storage.setItem(`${name}-${n}`, `${name} ${n}`)
