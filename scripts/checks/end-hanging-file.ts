// Loaded into every process of `node --test`. A file whose tests are over but which left a server or a timer open would never end, and
// the runner, which reports file by file, would show nothing of all that comes after it.
const limit = 120

if (process.env['NODE_TEST_CONTEXT']) {
  setTimeout(() => {
    const open = process.getActiveResourcesInfo().join(', ')
    process.stderr.write(`This test file did not end within ${limit} s. Still open: ${open || 'nothing'}\n`)
    process.exit(1)
  }, limit * 1000).unref()
}
