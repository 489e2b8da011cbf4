// Loaded in front of a task (node --import): when the command that started it was killed and could not pass the signal on, the task is
// told to end as well, instead of staying behind and keeping its port.
import { isMainThread } from 'node:worker_threads'

if (isMainThread) {
  const parent = process.ppid
  const watch = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(watch)
    process.kill(process.pid, 'SIGTERM')
  }, 500)
  watch.unref()
}
