import type { Judge, Verdict } from '../curation/judge.ts'
import { notLiftable, reasons } from '../curation/reasons.ts'
import { toRecorded } from '../intake/judge-report.ts'
import { ConfigError } from '../model/errors.ts'
import { normalForm } from '../model/normal-form.ts'
import { type ObservableType, observableTypes } from '../model/observable.ts'
import { isSuppressedBy } from '../store/assertions.ts'
import { minute } from './moment-text.ts'
import { named } from './named-values.ts'
import { shellWord } from './story-advice.ts'
import { printable } from './table.ts'

/** What a source would have to say for it to be judged. */
export interface Supposed {
  readonly type: ObservableType | undefined
  readonly source: string
  readonly author: string
  readonly created: Date
  readonly confidence: number
}

export interface Checked extends Verdict {
  readonly type: ObservableType
  readonly value: string
  readonly published: boolean
}

// Those whose values show what they are; a path, a mutex or a rule may be any text. URLs last of the
// names, since a name alone can be read as one.
const tellingTypes: readonly ObservableType[] = [
  'ipv4',
  'ipv6',
  'cidr',
  'domain',
  'email',
  'url',
  'sha256',
  'cve',
]

/**
 * Judges a value that nobody needs to have asserted yet.
 * @throws ConfigError when its type does not show and none is given
 */
export function checkValue(judge: Judge, word: string, supposed: Supposed, now: Date): Checked {
  const forms = (supposed.type ? [supposed.type] : tellingTypes).map((type) => ({
    asked: type,
    form: normalForm(type, word),
  }))
  const found = forms.find(({ form }) => form.ok) ?? (supposed.type ? forms[0] : undefined)
  if (!found) {
    throw new ConfigError(
      `${named(word)} is not written as an address, a network, a domain, a URL, a hash or a CVE is; name its --type (${observableTypes.join(', ')})`,
    )
  }
  const { asked, form } = found
  const type = form.ok ? form.type : asked
  const value = form.ok ? form.value : word
  const verdict = judge(
    {
      type,
      value,
      problem: form.ok ? undefined : form.problem,
      active: true,
      refuted: false,
      validFrom: supposed.created,
      validUntil: undefined,
      confidence: supposed.confidence,
      public: true,
      author: supposed.author,
      source: supposed.source,
    },
    now,
  )
  return { ...verdict, type, value, published: !isSuppressedBy(toRecorded(verdict)) }
}

export function describeCheck(checked: Checked): string {
  const { type, value, published, suppressions, remarks, confidence, endsAt } = checked
  const lines = [
    `${type} ${printable(value)}: ${published ? 'would be published' : 'would be kept out'}`,
  ]
  for (const { reason, rule, detail } of suppressions) {
    lines.push(
      `  ${reason}: ${printable(detail)}`,
      `      ${reasons[reason]}`,
      `      rule ${printable(rule)}; ${wayOut(reason, value)}`,
    )
  }
  for (const { rule, detail } of remarks) {
    lines.push(`  noted: ${printable(detail)}`, `      rule ${printable(rule)}`)
  }
  if (published) {
    const until = endsAt ? `until ${minute(endsAt)}` : 'for ever'
    lines.push(`  it would count ${until}, with a confidence of ${confidence}`)
  }
  return lines.join('\n')
}

function wayOut(reason: keyof typeof reasons, value: string): string {
  const way = notLiftable[reason]
  if (way !== undefined) return `it cannot be lifted: ${way}`
  return `once it is asserted, lift it by: taxiway indicator override ${shellWord(value)} --reason ${reason} …`
}
