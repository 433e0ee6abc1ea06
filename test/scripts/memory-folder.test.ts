import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { makeMemoryFolder } from '../../scripts/services/memory-folder.ts'

const folder = makeMemoryFolder()
const options = folder === undefined ? { skip: 'too little memory here' } : {}

t.test('a folder in memory is there until it is removed', options, async (t) => {
  const { path = '' } = folder ?? {}
  t.ok(existsSync(path))
  folder?.remove()
  t.notOk(existsSync(path))
})

t.test('what a killed run has left is removed by the next', options, async (t) => {
  const { pid } = spawnSync(process.execPath, ['--version'])
  const place = dirname(folder?.path ?? '')
  const left = join(place, `taxiway-tests-${pid}-left`)
  const used = join(place, `taxiway-tests-${process.pid}-used`)
  for (const path of [left, used]) mkdirSync(path)
  const next = makeMemoryFolder()
  t.notOk(existsSync(left))
  t.ok(existsSync(used), 'a run that goes on keeps its own')
  next?.remove()
  rmSync(used, { recursive: true })
})
