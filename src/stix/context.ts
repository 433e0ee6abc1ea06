import type { Tlp } from '../model/tlp.ts'
import { escapeText } from '../xml/write.ts'
import { uuidV5 } from './ids.ts'
import { markOwner } from './marking.ts'
import { type Namespaces, namespaces } from './namespaces.ts'
import { identify, type RenderOptions } from './render-options.ts'
import { timeMark } from './rendered-package.ts'
import { maxTitleLength, toLine } from './text.ts'

/** What a report says of who is behind its indicators and how they work. */
interface Background {
  readonly adversary: string
  readonly malwareFamilies: readonly string[]
  readonly attackIds: readonly string[]
}

interface Ttp {
  readonly guid: string
  readonly title: string
  readonly behavior: string
}

interface ThreatActor {
  readonly guid: string
  readonly name: string
  /** of those that the reports name which name the actor */
  readonly ttps: readonly Ttp[]
}

/** The TTPs and threat actors of a package. */
export interface Context {
  readonly ttps: readonly Ttp[]
  readonly actors: readonly ThreatActor[]
}

export const noContext: Context = { ttps: [], actors: [] }

// Some pulses list every family that an author has ever seen, and each indicator would repeat them.
const maxTtps = 10
const maxActors = 5

/** The first that the reports name, each once: a name in other letters is the same name. */
export function collectContext(reports: readonly Background[]): Context {
  const ttps = new Map<string, Ttp>()
  const actors = new Map<string, { guid: string; name: string; ttps: Set<Ttp> }>()
  for (const report of reports) {
    const named = namedTtps(report).flatMap((ttp) => {
      if (!ttps.has(ttp.guid) && ttps.size < maxTtps) ttps.set(ttp.guid, ttp)
      return ttps.get(ttp.guid) ?? []
    })
    const name = toLine(report.adversary, maxTitleLength)
    if (name === '') continue
    const guid = contentGuid('threat-actor', name)
    if (!actors.has(guid) && actors.size < maxActors)
      actors.set(guid, { guid, name, ttps: new Set() })
    for (const ttp of named) actors.get(guid)?.ttps.add(ttp)
  }
  return {
    ttps: [...ttps.values()],
    actors: [...actors.values()].map((actor) => ({ ...actor, ttps: [...actor.ttps] })),
  }
}

function contentGuid(kind: string, name: string): string {
  return uuidV5(`${kind}\n${name.toLowerCase()}`)
}

function namedTtps({ malwareFamilies, attackIds }: Background): readonly Ttp[] {
  return [...malwareFamilies.map(malwareTtp), ...attackIds.map(attackTtp)].filter(
    ({ title }) => title !== '',
  )
}

function malwareTtp(family: string): Ttp {
  const title = toLine(family, maxTitleLength)
  const name = escapeText(title)
  return {
    guid: contentGuid('malware', title),
    title,
    behavior: `<ttp:Malware><ttp:Malware_Instance><ttp:Name>${name}</ttp:Name></ttp:Malware_Instance></ttp:Malware>`,
  }
}

function attackTtp(attackId: string): Ttp {
  const title = toLine(attackId, maxTitleLength)
  const capec = /^CAPEC-\d{1,9}$/.test(title) ? ` capec_id="${title}"` : ''
  return {
    guid: contentGuid('attack-pattern', title),
    title,
    behavior: `<ttp:Attack_Patterns><ttp:Attack_Pattern${capec}><ttp:Title>${escapeText(title)}</ttp:Title></ttp:Attack_Pattern></ttp:Attack_Patterns>`,
  }
}

const usedByTtps = namespaces('xsi', 'stixCommon', 'ttp')
const usedByActors = namespaces('xsi', 'stix', 'stixCommon', 'ta')

export function contextNamespaces({ ttps, actors }: Context): Namespaces {
  return (ttps.length > 0 ? usedByTtps : 0) | (actors.length > 0 ? usedByActors : 0)
}

function renderTtp(element: string, ttp: Ttp, options: RenderOptions, handling = ''): string {
  return `<${element} xsi:type="ttp:TTPType" ${identify('ttp', ttp.guid, options)} timestamp="${timeMark}"><ttp:Title>${escapeText(ttp.title)}</ttp:Title><ttp:Behavior>${ttp.behavior}</ttp:Behavior>${handling}</${element}>`
}

/** The timestamp is a part of the reference: an id names all versions of a construct, id and timestamp one. */
function referToTtp({ guid }: Ttp, { producer }: RenderOptions): string {
  return `<stixCommon:TTP idref="${producer.idNamespace.prefix}:ttp-${guid}" timestamp="${timeMark}"/>`
}

/** TTPs within their indicator, whose marking covers them. */
export function indicateInline({ ttps }: Context, options: RenderOptions): string {
  return ttps.map((ttp) => indicated(renderTtp('stixCommon:TTP', ttp, options))).join('')
}

/** For packages with many indicators: refers to what renderTtps has written. */
export function indicateByReference({ ttps }: Context, options: RenderOptions): string {
  return ttps.map((ttp) => indicated(referToTtp(ttp, options))).join('')
}

function indicated(ttp: string): string {
  return `<indicator:Indicated_TTP>${ttp}</indicator:Indicated_TTP>`
}

/** The package's `stix:TTPs`; '' where there are none. */
export function renderTtps({ ttps }: Context, tlp: Tlp, options: RenderOptions): string {
  const handling = `<ttp:Handling>${markOwner(tlp)}</ttp:Handling>`
  const text = ttps.map((ttp) => renderTtp('stix:TTP', ttp, options, handling)).join('')
  return text && `<stix:TTPs>${text}</stix:TTPs>`
}

/**
 * The package's `stix:Threat_Actors`; '' where there are none. Nothing else in STIX 1 ties an actor to an
 * indicator than that both name the same TTPs.
 */
export function renderThreatActors({ actors }: Context, tlp: Tlp, options: RenderOptions): string {
  const text = actors
    .map((actor) => {
      const name = escapeText(actor.name)
      const observed = actor.ttps
        .map((ttp) => `<ta:Observed_TTP>${referToTtp(ttp, options)}</ta:Observed_TTP>`)
        .join('')
      return `<stix:Threat_Actor xsi:type="ta:ThreatActorType" ${identify('threatactor', actor.guid, options)} timestamp="${timeMark}"><ta:Title>${name}</ta:Title><ta:Identity><stixCommon:Name>${name}</stixCommon:Name></ta:Identity>${observed && `<ta:Observed_TTPs>${observed}</ta:Observed_TTPs>`}<ta:Handling>${markOwner(tlp)}</ta:Handling></stix:Threat_Actor>`
    })
    .join('')
  return text && `<stix:Threat_Actors>${text}</stix:Threat_Actors>`
}
