import { Command, Option } from 'commander'
import { defaultPolicy, type JudgingPolicy, trustedConfidence } from '../curation/policy.ts'
import type { StoryAssertion } from '../model/indicator-story.ts'
import type { Observable } from '../model/near.ts'
import { normalForm } from '../model/normal-form.ts'
import { type ObservableType, observableTypes } from '../model/observable.ts'
import { findLeftOut } from '../stix/profiles.ts'
import type { Db } from '../store/db.ts'
import { findHolders } from '../store/holders.ts'
import { readIndicatorStory } from '../store/indicator-story.ts'
import { readJudgingState } from '../store/judging.ts'
import { findNamedIndicators, type NamedIndicator } from '../store/named-indicators.ts'
import { findNearIndicators } from '../store/near-indicators.ts'
import { exitCodes } from './exit-codes.ts'
import { named } from './named-values.ts'
import { shellWord } from './story-advice.ts'
import { foundTable, storyText, type ToldStory } from './story-text.ts'
import { withStore } from './with-store.ts'

interface ShowOptions {
  readonly type?: ObservableType
  readonly json?: boolean
}

export function indicatorShowCommand(): Command {
  return new Command('show')
    .description('tell the whole story of an indicator: who asserts it, why it is served or not')
    .argument('<value>', 'in any usual spelling, defanged too')
    .addOption(new Option('--type <type>', 'only of this type').choices(observableTypes))
    .option('--json', 'one JSON object a line')
    .addHelpText('after', '\nExample:\n  taxiway indicator show mail.example.org')
    .action((value: string, options: ShowOptions) =>
      withStore(async ({ db }) => {
        const now = new Date()
        const [found = []] = await findNamedIndicators(db, [value], options.type)
        if (found.length === 0) {
          process.exitCode = exitCodes.notFound
          return tellMissing(db, value, options)
        }
        const told: ToldStory[] = []
        for (const one of found) told.push(await readToldStory(db, one, value, now))
        console.log(
          options.json
            ? told.map(toJson).join('\n')
            : told.map((one) => storyText(one, now)).join('\n\n\n'),
        )
      }),
    )
}

const mostNear = 8

/** All that is to be told of an indicator; what the bench of `show` measures. */
export async function readToldStory(
  db: Db,
  indicator: NamedIndicator,
  asked: string,
  now: Date,
): Promise<ToldStory> {
  // Side by side: none needs another.
  const [story, holders, near, trusted] = await Promise.all([
    readIndicatorStory(db, indicator, findLeftOut, now),
    findHolders(db, { indicatorIds: [indicator.id] }),
    findNearIndicators(db, [indicator], mostNear),
    readTrust(db),
  ])
  return { story, asked, holders, near, trusted }
}

async function readTrust(db: Db): Promise<(assertion: StoryAssertion) => number | undefined> {
  const { policy } = await readJudgingState(db)
  const all = { ...defaultPolicy, ...(policy as Partial<JudgingPolicy>) }
  return ({ source, report }) => trustedConfidence(all, source, report?.author ?? '')
}

function toJson({ story, asked, holders, near, trusted }: ToldStory): string {
  const assertions = story.assertions.map((one) => ({ ...one, trustedConfidence: trusted(one) }))
  return JSON.stringify({ ...story, asked, found: true, assertions, holders, near })
}

async function tellMissing(db: Db, value: string, { type, json }: ShowOptions): Promise<void> {
  const forms = networkForms(value, type)
  const near = await findNearIndicators(db, forms, mostNear)
  if (json) {
    console.log(JSON.stringify({ asked: value, found: false, near }))
    return
  }
  const [form] = forms
  const spelled = form && form.value !== value ? ` (as ${form.type} ${form.value})` : ''
  const lines = [`${named(value)}${spelled} is not in the store: no source has asserted it.`]
  if (near.length > 0) lines.push('', 'NEAR IT', foundTable(near).replace(/^/gm, '  '))
  lines.push('', `What judging would think of it: taxiway judging check ${shellWord(value)}`)
  lines.push("What is like it: taxiway indicator search TEXT, '*.DOMAIN' or NETWORK/BITS")
  console.log(lines.join('\n'))
}

const networkTypes = ['ipv4', 'ipv6', 'cidr', 'domain', 'url', 'email'] as const

/** What the value is, of those types that lie somewhere. */
function networkForms(value: string, type: ObservableType | undefined): readonly Observable[] {
  const types = networkTypes.filter((one) => type === undefined || one === type)
  const forms = types.flatMap((one) => {
    const form = normalForm(one, value)
    return form.ok ? [{ type: form.type, value: form.value }] : []
  })
  return [...new Map(forms.map((form) => [`${form.type} ${form.value}`, form])).values()]
}
