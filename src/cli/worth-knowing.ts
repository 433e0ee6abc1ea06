import type { CollectionSettings } from '../model/collection.ts'
import { tlpRank } from '../model/tlp.ts'
import type { Reason } from '../taxii/client/reading.ts'

/** Who may poll a collection and soonest drops what it was sent. */
export interface ShortestAgeOut {
  readonly account: string
  readonly days: number
}

const usualAgeDays = 30
const easyRefreshDays = 20
// What is left then of the usual age for polls that fail.
const easyMarginDays = usualAgeDays - easyRefreshDays

/**
 * What a collection's settings bring for the devices that poll it, as far as documents say so; docs/clients.md
 * and docs/esa.md tell the whole.
 * @param ageOut undefined where no account was granted the collection
 */
export function worthKnowing(
  settings: Pick<
    CollectionSettings,
    'profile' | 'cidr' | 'packaging' | 'bindings' | 'pageSize' | 'refreshDays' | 'inbox' | 'maxTlp'
  >,
  ageOut: ShortestAgeOut | undefined,
): readonly Reason[] {
  return [
    ...aboutProfile(settings),
    ...aboutCidr(settings),
    ...aboutPackaging(settings),
    ...aboutBindings(settings),
    ...aboutPages(settings),
    ...aboutInbox(settings),
    ...aboutRefresh(settings, ageOut),
  ]
}

type Settings = Parameters<typeof worthKnowing>[0]

function aboutProfile({ profile }: Settings): readonly Reason[] {
  if (profile !== 'full') return []
  return [
    {
      rule: 'profile',
      grade: 'documented',
      text: 'An ESA takes in file hashes, IP addresses, domains and URLs, and drops the rest without a word: give it a collection of profile esa (`--profile esa` tells what it would drop of this one).',
    },
  ]
}

function aboutCidr({ cidr }: Settings): readonly Reason[] {
  if (cidr === 'omit') return []
  const tid: Reason = {
    rule: 'cidr',
    grade: 'documented',
    text: 'Threat Intelligence Director reads no blocks of addresses.',
  }
  if (cidr === 'cidr') {
    return [
      tid,
      {
        rule: 'cidr-form',
        grade: 'believed',
        text: "Some clients refuse the category cidr, although it is CybOX's own; MineMeld's way is `cidr: address`.",
      },
    ]
  }
  return [
    tid,
    {
      rule: 'cidr-form',
      grade: 'guess',
      text: 'A block of addresses is spelled as if it were one address, as MineMeld has it: a client that wants one address may refuse it or take it for something else.',
    },
  ]
}

function aboutPackaging({ profile, packaging }: Settings): readonly Reason[] {
  if (packaging === 'indicator' || profile === 'full') return []
  const device = profile === 'esa' ? 'an ESA' : 'Threat Intelligence Director'
  return [
    {
      rule: 'packaging',
      grade: 'guess',
      text: `A block holds up to 100 indicators of one report under a header; no document says what ${device} makes of that, and what it cannot read it drops: \`packaging: indicator\` is the safe one.`,
    },
  ]
}

function aboutBindings({ profile, bindings }: Settings): readonly Reason[] {
  const [first = ''] = bindings
  if (profile === 'tid' || first === 'urn:stix.mitre.org:xml:1.1.1') return []
  const rest = bindings.includes('urn:stix.mitre.org:xml:1.1.1')
    ? 'put 1.1.1 first for it, and wherever you do not know what your client reads'
    : 'list 1.1.1, and first, for it'
  return [
    {
      rule: 'binding',
      grade: 'documented',
      text: `MineMeld names no content binding, so it is sent the first, STIX ${first.slice(first.lastIndexOf(':') + 1)}, and passes over every block that is not STIX 1.1.1: ${rest}.`,
    },
  ]
}

function aboutPages({ profile, pageSize }: Settings): readonly Reason[] {
  if (profile !== 'esa' || pageSize === undefined) return []
  return [
    {
      rule: 'page-size',
      grade: 'believed',
      text: 'An ESA is believed to poll by cabby, which asks for one part beyond the last and takes the refusal for the failure of the whole poll, where its User-Agent does not say that it is cabby: leave pageSize out.',
    },
  ]
}

function aboutInbox({ inbox, maxTlp }: Settings): readonly Reason[] {
  if (!inbox || tlpRank(maxTlp) >= tlpRank('amber')) return []
  return [
    {
      rule: 'inbox-tlp',
      grade: 'documented',
      text: `It takes Inbox_Messages, and what comes without a marking is amber where TAXIWAY_INBOX_TLP does not say otherwise: above its maxTlp, ${maxTlp}, so that none of it is published here.`,
    },
  ]
}

function aboutRefresh(
  { profile, refreshDays }: Settings,
  ageOut: ShortestAgeOut | undefined,
): readonly Reason[] {
  const days = ageOut?.days ?? usualAgeDays
  const whose = ageOut
    ? `the client of the account ${ageOut.account} drops what it was sent after ${counted(days)} (\`taxiway account age-out\`)`
    : `a client of the usual age drops what it was sent after ${counted(days)}`
  const rule = 'refresh'
  // Of TID's TTL a document tells; that of an ESA's Age is remembered.
  const grade = profile === 'tid' ? 'documented' : 'believed'
  if (refreshDays === undefined) {
    const text = `Nothing is published again, as there is no refreshDays, and ${whose}: what is still served vanishes there.`
    return [{ rule, grade, text }]
  }
  if (refreshDays >= days) {
    const text = `Indicators are published again before ${counted(refreshDays)} are over, but ${whose}: what is still served vanishes there for a time. Keep refreshDays below that age.`
    return [{ rule, grade, text }]
  }
  if (refreshDays <= easyRefreshDays || days - refreshDays >= easyMarginDays) return []
  const text = `Indicators are published again before ${counted(refreshDays)} are over, and ${whose}: ${counted(days - refreshDays)} of polls that fail are enough for it to drop what is served. refreshDays of ${easyRefreshDays} or less leave more.`
  return [{ rule, grade, text }]
}

function counted(days: number): string {
  return days === 1 ? '1 day' : `${days} days`
}
