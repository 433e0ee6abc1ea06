import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import type { Intake } from '../src/intake/intake.ts'
import type { Log } from '../src/log.ts'
import type { Db } from '../src/store/db.ts'
import { readJudgingVersion } from '../src/store/judging.ts'
import {
  readWarninglistEntries,
  readWarninglists,
  setWarninglistEffect,
  setWarninglistEnabled,
  writeWarninglist,
} from '../src/store/warninglists.ts'
import { readWarninglistFile } from '../src/warninglist-files.ts'
import { createWarninglistSync } from '../src/warninglist-folder.ts'
import { forEachStore, makeFolder, openTestStore } from './helpers/stores.ts'

const now = new Date('2026-06-01T00:00:00Z')
let written = 0

/** Writes a file with a time of its own: file systems tell times apart by milliseconds at best. */
function write(path: string, content: unknown): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  written += 1
  utimesSync(path, now, new Date(now.getTime() + written * 1000))
}

function list(entries: readonly string[], more: object = {}): object {
  return { name: 'Ours', type: 'string', matching_attributes: ['domain'], list: entries, ...more }
}

function logTo(lines: string[]): Log {
  const note = (...words: unknown[]) =>
    lines.push(words.map((one) => JSON.stringify(one)).join(' '))
  return { info: note, warn: note } as never
}

async function follow(db: Db, warninglistsDir: string | undefined) {
  const lines: string[] = []
  const sync = createWarninglistSync({ warninglistsDir }, logTo(lines))
  const intake: Pick<Intake, 'db' | 'clock'> = { db, clock: () => now }
  return { lines, sync: () => sync(intake) }
}

async function stored(db: Db, origin: string) {
  const lists = (await readWarninglists(db)).filter((one) => one.origin === origin)
  return Object.fromEntries(lists.map((one) => [one.name, one]))
}

t.test('the store follows the folder', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const folder = makeFolder(t)
    const { sync, lines } = await follow(db, folder)
    write(join(folder, 'ours', 'list.json'), list(['a.com']))
    write(join(folder, 'theirs.json'), list(['b.com'], { category: 'Known identifier' }))
    await sync()
    t.match(await stored(db, 'folder'), {
      ours: { title: 'Ours', effect: 'block', entries: 1, enabled: true },
      theirs: { effect: 'inform' },
    })

    const before = await readJudgingVersion(db)
    lines.length = 0
    await sync()
    t.equal(await readJudgingVersion(db), before, 'nothing changes where no file has')
    t.same(lines, [])

    await setWarninglistEffect(db, 'ours', 'inform', now)
    await setWarninglistEnabled(db, 'theirs', false, now)
    const decided = await readJudgingVersion(db)
    write(join(folder, 'ours', 'list.json'), list(['a.com', 'c.com'], { version: 2 }))
    write(join(folder, 'theirs.json'), list(['b.com', 'd.com']))
    await sync()
    t.same(await readWarninglistEntries(db, 'ours'), ['a.com', 'c.com'])
    t.match(await stored(db, 'folder'), {
      ours: { effect: 'inform', version: 2 },
      theirs: { enabled: false, entries: 2 },
    })
    t.equal(await readJudgingVersion(db), decided + 1, 'a list that does not count changes nothing')

    rmSync(join(folder, 'ours'), { recursive: true })
    await sync()
    t.same(Object.keys(await stored(db, 'folder')), ['theirs'])
    rmSync(join(folder, 'theirs.json'))
    await sync()
    t.same(await stored(db, 'folder'), {}, 'an empty folder has no lists')
    t.ok(Object.keys(await stored(db, 'starter')).length > 0)
  })
})

t.test('what is broken keeps what the store has, and is said once', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const folder = makeFolder(t)
  const { sync, lines } = await follow(db, folder)
  write(join(folder, 'ours', 'list.json'), list(['a.com']))
  write(join(folder, 'other', 'list.json'), list(['b.com']))
  await sync()
  write(join(folder, 'ours', 'list.json'), '{"name": "Ours", "list": [')
  write(join(folder, 'other', 'list.json'), list(['b.com', 'not a name']))
  lines.length = 0
  await sync()
  t.same(await readWarninglistEntries(db, 'ours'), ['a.com'])
  t.equal(lines.filter((line) => /ours\/list\.json is not JSON/.test(line)).length, 1)
  t.equal(lines.filter((line) => /list\[1\].*not a name/.test(line)).length, 1)
  lines.length = 0
  await sync()
  t.same(lines, [])
  rmSync(folder, { recursive: true })
  await sync()
  await sync()
  t.same(
    await readWarninglistEntries(db, 'ours'),
    ['a.com'],
    'a folder that is away is not an empty one',
  )
  t.equal(lines.filter((line) => /stay as they are/.test(line)).length, 1)
})

t.test('a folder that is set no more takes its lists with it', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const folder = makeFolder(t)
  write(join(folder, 'ours.json'), list(['a.com']))
  await (await follow(db, folder)).sync()
  t.same(Object.keys(await stored(db, 'folder')), ['ours'])
  await (await follow(db, undefined)).sync()
  t.same(await stored(db, 'folder'), {})
})

t.test(
  'lists of one name: by hand before the folder, the folder before those of Taxiway',
  async (t) => {
    const { db } = await openTestStore(t, 'postgresql')
    const folder = makeFolder(t)
    const { sync } = await follow(db, folder)
    await sync()
    t.ok((await stored(db, 'starter'))['mail-providers'])
    const file = join(folder, 'mail-providers', 'list.json')
    write(file, list(['a.com']))
    await sync()
    t.same(await readWarninglistEntries(db, 'mail-providers'), ['a.com'])
    await add(t, db, 'mail-providers', 'b.com')
    write(file, list(['a.com', 'c.com']))
    await sync()
    t.same(await readWarninglistEntries(db, 'mail-providers'), ['b.com'])
    t.match(await stored(db, 'added'), { 'mail-providers': { entries: 1 } })
  },
)

t.test('a starter list comes back when its stand-in leaves the folder', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const folder = makeFolder(t)
  const { sync } = await follow(db, folder)
  const file = join(folder, 'mail-providers', 'list.json')
  write(file, list(['a.com']))
  await sync()
  rmSync(file)
  rmSync(dirname(file), { recursive: true })
  await sync()
  t.ok((await readWarninglistEntries(db, 'mail-providers')).includes('gmail.com'))
})

t.test('a starter list that was disabled stays so', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  await (await follow(db, undefined)).sync()
  await setWarninglistEnabled(db, 'mail-providers', false, now)
  await db
    .updateTable('warninglists')
    .set({ digest: 'of an older release', entries: 'a.com' })
    .where('name', '=', 'mail-providers')
    .execute()
  await (await follow(db, undefined)).sync()
  t.match(await stored(db, 'starter'), { 'mail-providers': { enabled: false } })
  t.ok((await readWarninglistEntries(db, 'mail-providers')).includes('gmail.com'))
})

async function add(t: Test, db: Db, name: string, entry: string): Promise<void> {
  const file = join(makeFolder(t), `${name}.json`)
  write(file, list([entry]))
  await writeWarninglist(db, readWarninglistFile(file).list, 'added', now)
}
