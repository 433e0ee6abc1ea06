import { Command, Option } from 'commander'
import type { Config } from '../config.ts'
import { completePolicy, type PolicySettings } from '../curation/policy.ts'
import { applyPolicy, compareWithStored } from '../intake/apply-policy.ts'
import { getPolicySettings, prepareJudge } from '../intake/judging.ts'
import { previewPolicy } from '../intake/preview-policy.ts'
import { readJudgingFile } from '../judging-file.ts'
import { ConfigError } from '../model/errors.ts'
import { type ObservableType, observableTypes } from '../model/observable.ts'
import { createIntake } from '../service.ts'
import type { Store } from '../store/db.ts'
import { readJudgingState } from '../store/judging.ts'
import { checkValue, describeCheck } from './judging-check.ts'
import {
  describeApplied,
  describeChanges,
  describePolicy,
  describePreview,
  describeUnheard,
} from './judging-text.ts'
import { parseMoment } from './parse-moment.ts'
import { rejudgeWithProgress, showProgress } from './rejudging.ts'
import { withStore } from './with-store.ts'

export function judgingCommand(): Command {
  return new Command('judging')
    .description('see and change how assertions are judged')
    .addCommand(applyCommand())
    .addCommand(showCommand())
    .addCommand(checkCommand())
}

function applyCommand(): Command {
  return new Command('apply')
    .description('make the policy be as a YAML file says, and judge anew what is stored')
    .argument('<file>', 'see seeds/judging.yaml and schemas/judging.schema.json')
    .option('--dry-run', 'show what would change, in the feeds too, and change nothing')
    .addHelpText(
      'after',
      '\nThe file is the whole policy: what it does not name has its default.\n\nExample:\n  taxiway judging apply policy.yaml --dry-run',
    )
    .action(async (file: string, { dryRun }: { dryRun?: boolean }) => {
      const settings = readJudgingFile(file)
      await withStore((store, config) =>
        dryRun ? preview(store, config, settings) : apply(store, config, settings),
      )
    })
}

async function preview(store: Store, config: Config, settings: PolicySettings): Promise<void> {
  const { policy } = await readJudgingState(store.db)
  console.log(describeChanges(compareWithStored(policy, settings)))
  for (const line of await describeUnheard(store.db, settings)) console.log(line)
  const { progress, end } = showProgress('indicators judged')
  const found = await previewPolicy(createIntake(config, store), settings, progress)
  end()
  console.log(`\n${describePreview(found)}`)
  console.log('\nNothing was changed: this was a dry run.')
}

async function apply(store: Store, config: Config, settings: PolicySettings): Promise<void> {
  const intake = createIntake(config, store)
  console.log(describeChanges(await applyPolicy(intake, settings)))
  for (const line of await describeUnheard(store.db, settings)) console.log(line)
  console.log(describeApplied(await rejudgeWithProgress(intake)))
}

function showCommand(): Command {
  return new Command('show')
    .description('show the policy in force, its defaults too, and whether all verdicts follow it')
    .option('--json', 'one JSON object')
    .action(({ json }: { json?: boolean }) =>
      withStore(async ({ db }) => {
        const state = await readJudgingState(db)
        const settings = getPolicySettings(state)
        const policy = completePolicy(settings)
        if (!json) return console.log(describePolicy(policy, settings, state))
        const { version, judgedVersion } = state
        const followed = judgedVersion >= version
        console.log(JSON.stringify({ version, followed, policy, applied: settings }))
      }),
    )
}

interface CheckOptions {
  readonly type?: ObservableType
  readonly source: string
  readonly author: string
  readonly created?: Date
  readonly json?: boolean
}

function checkCommand(): Command {
  return new Command('check')
    .description('tell what would be decided of values that nobody has asserted yet, and why')
    .argument('<value...>', 'in any usual spelling, defanged too')
    .addOption(new Option('--type <type>', 'what they are').choices(observableTypes))
    .option('--source <name>', 'as if this source asserted them', 'otx')
    .option('--author <name>', 'as if it were by this author', '')
    .option('--created <moment>', 'as if asserted then: 2026-11-21, 7d; now if absent', parseMoment)
    .option('--json', 'one JSON object a line')
    .addHelpText('after', '\nExample:\n  taxiway judging check gmail.com hxxp://evil[.]com/a')
    .action((values: readonly string[], options: CheckOptions) =>
      withStore(async ({ db }, config) => {
        const now = new Date()
        const { type, source, author, created = now, json } = options
        if (created > now) throw new ConfigError('--created must not lie in the future')
        const judge = await prepareJudge(
          db,
          completePolicy(getPolicySettings(await readJudgingState(db))),
        )
        const confidence = config.otx?.confidence ?? 25
        const supposed = { type, source, author, created, confidence }
        for (const value of values) {
          const checked = checkValue(judge, value, supposed, now)
          console.log(json ? JSON.stringify(checked) : describeCheck(checked))
        }
      }),
    )
}
