import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { readLiveValues } from '../helpers/sound-feed.ts'
import { aCollection, reportOn } from '../intake/reports.ts'
import { openCommandStore } from './command-store.ts'

const host = (name: string) => `${name}.taxiway-demo.com`

t.test('withdrawals by the command line', async (t) => {
  const { db, folder, intake, run } = await openCommandStore(t, 'withdraw')
  await intake.settle(aCollection())
  await intake.take([reportOn(['a', 'b', 'c'].map(host), { externalId: 'r1' })])
  await intake.take([reportOn([host('c')], { externalId: 'l1' })], { source: 'lab' })
  const live = () => readLiveValues(db, 'all')
  const why = ['--reason', 'our own', '--by', 'ana']

  await t.test('an indicator in any spelling', async (t) => {
    const { code, stdout, stderr } = await run('indicator', 'A[.]taxiway-demo[.]com', ...why)
    t.same([code, stderr], [0, ''])
    t.match(stdout, /Withdrawal 1: .* served until now: 1\./)
    t.match(stdout, /To undo it: taxiway withdraw undo 1/)
    t.same(await live(), [host('b'), host('c')])
  })

  await t.test(
    'indicators from a file, of which one is not known: none is withdrawn',
    async (t) => {
      const file = join(folder, 'values.txt')
      await writeFile(file, `# ours\n${host('b')} # mail\n\nnowhere.taxiway-demo.com\n`)
      const refused = await run('indicator', '--file', file, ...why)
      t.equal(refused.code, 3)
      t.match(refused.stderr, /no indicator in the store: nowhere.taxiway-demo.com; nothing was/)
      t.same(await live(), [host('b'), host('c')])
      await writeFile(file, `${host('b')}\r\n${host('c')}\r\n`)
      t.match(
        (await run('indicator', '--file', file, ...why)).stdout,
        /Withdrawal 2: .* served until now: 2\./,
      )
      t.same(await live(), [])
    },
  )

  await t.test('list tells what, why and by whom, and undo takes it back', async (t) => {
    t.match(
      (await run('undo', '2', '--by', 'ben')).stdout,
      /is undone\. Blocks published again: 2\./,
    )
    t.same(await live(), [host('b'), host('c')])
    const lines = (await run('list', '--json')).stdout.trim().split('\n')
    const recalls = lines.map((line) => JSON.parse(line))
    t.match(recalls, [
      { id: 2, subject: '2 indicators', reason: 'our own', recalledBy: 'ana', undoneBy: 'ben' },
      { id: 1, subject: `domain ${host('a')}`, recalledBy: 'ana' },
    ])
    t.match((await run('list')).stdout, /^ +1 .* ana +domain a\.taxiway-demo\.com +our own/m)
    const again = await run('undo', '2')
    t.equal(again.code, 1)
    t.match(again.stderr, /was undone at .* by ben already/)
  })

  await t.test('a report, and what others assert stays', async (t) => {
    const { stdout } = await run('report', 'r1', ...why)
    t.match(stdout, /Blocks published again, for what others assert: 1\./)
    t.same(await live(), [host('c')])
  })

  await t.test('a source', async (t) => {
    t.match((await run('source', 'lab', ...why)).stdout, /Withdrawal 4/)
    t.same(await live(), [])
    const refused = await run('source', 'nobody', ...why)
    t.same([refused.code, refused.stdout], [1, ''])
    t.match(refused.stderr, /there is no source "nobody"/)
  })

  await t.test('a withdrawal without a reason is refused', async (t) => {
    t.equal((await run('source', 'otx')).code, 2)
    const blank = await run('source', 'otx', '--reason', ' ')
    t.same([blank.code, blank.stdout], [2, ''])
    t.match(blank.stderr, /--reason must say why/)
  })
})
