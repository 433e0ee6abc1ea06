import { authors, before, type PulseMaker } from './pulse-maker.ts'

/** A pulse and what becomes of it while the demo runs: 8 indicators stay, 4 go, 6 come. */
export function revisedPulse(make: PulseMaker) {
  const indicators = Array.from({ length: 12 }, (_, index) =>
    make.indicator(index % 2 ? 'domain' : 'FileHash-SHA256', { ageDays: 0.5 }),
  )
  const pulse = make.pulse({
    name: 'Revised while you watch',
    author: authors.harbour,
    tlp: 'white',
    ageDays: 0.5,
    modifiedAgeDays: 0.25,
    tags: ['loader', 'live'],
    indicators,
    change: { id: 'feedfacefeedfacefeedface', revision: 1 },
  })
  const added = Array.from({ length: 6 }, (_, index) =>
    make.indicator(index % 2 ? 'hostname' : 'URL', { ageDays: 0 }),
  )
  const revision = {
    id: pulse.id,
    description: 'Revised: four indicators were false positives, six are new.',
    created: before(0.5, 6),
    indicators: [...indicators.slice(4), ...added],
  }
  return { pulse, revision }
}
