/**
 * Loaded before anything else in each process of a run of the tests without coverage: keeps tap's bookkeeping out.
 *
 * In each process of a test, and in each that one starts, tap notes every module and its source map, for coverage and
 * for `tap --changed`. That is a third of what it takes to start one, and hundreds are started. tap has no option for
 * it: its `--test-env` does not reach what the runner sets itself.
 */
import asyncHooks from 'node:async_hooks'
import { syncBuiltinESMExports } from 'node:module'

const { env } = process

// tap's runner sets this for the processes of tests alone.
if (env._TAPJS_PROCESSINFO_COVERAGE_ === '0') {
  env._TAPJS_PROCESSINFO_EXCLUDE_ = '/./'
  process.setSourceMapsEnabled(false)
  // The name under which process-on-spawn looks whether `spawn` has been wrapped already: what a test starts is
  // then started as it says, without tap.
  const wrapped = Symbol.for('process-on-spawn@*:singletonId')
  Object.assign(globalThis, { [wrapped]: { version: 1, listeners: [], unwrap: () => {} } })
  env.NODE_OPTIONS = (env.NODE_OPTIONS ?? '').replace(
    /\s*"?--import=\S*@tapjs\/processinfo\S*/g,
    '',
  )
  // tap follows each promise from its making to its end, to say of which test an error is that nobody caught. Such
  // an error ends the file's process now, with its stack: it fails as before.
  asyncHooks.createHook = () => {
    const hook = { enable: () => hook, disable: () => hook }
    return hook
  }
  syncBuiltinESMExports()
}
