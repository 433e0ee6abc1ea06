import { authors, before, type PulseMaker } from './pulse-maker.ts'

const { harbour, lantern } = authors
/** The id of the pulse that is deleted while the demo runs. */
export const deletedPulse = 'decea5eddecea5eddecea5ed'

const acceptedFalsePositive = {
  assessment: 'accepted',
  assessment_date: before(1, 6),
  report_date: before(2, 6),
}

type Observable = readonly [type: string, indicator: string]

/** Pulses that show what judging does: lists, what is our own, ages, and one too large for a list of pulses. */
export function judgedPulses(make: PulseMaker): Record<string, unknown>[] {
  return [
    pulseOf(
      make,
      'Named in a phishing kit',
      lantern,
      ['phishing', 'unreviewed'],
      [
        ['domain', 'gmail.com'],
        ['hostname', 'www.gmail.com'],
        ['email', 'taxiway.demo@gmail.com'],
        ['domain', 'github.com'],
        ['URL', 'https://github.com/'],
        // A whole address of one page: that its host is everybody's does not shield it.
        ['URL', 'https://github.com/taxiway-demo/no-such-place/raw/main/payload.exe'],
        ['IPv4', '8.8.8.8'],
        ['IPv4', '1.1.1.1'],
        ['URL', 'http://8.8.8.8/taxiway-demo/gate.php'],
      ],
    ),
    pulseOf(
      make,
      'Extracted from a mail to us',
      harbour,
      ['phishing', 'unreviewed'],
      [
        ['domain', 'corp.taxiway-demo.com'],
        ['hostname', 'mail.corp.taxiway-demo.com'],
        ['URL', 'https://intranet.corp.taxiway-demo.com/login'],
        ['email', 'reception@corp.taxiway-demo.com'],
        ['IPv4', '22.99.0.7'],
        ['CIDR', '22.99.0.128/25'],
      ],
    ),
    pulseOf(
      make,
      'Whole providers',
      lantern,
      ['unreviewed'],
      [
        ['CIDR', '22.0.0.0/8'],
        ['CIDR', '22.32.0.0/12'],
        ['CIDR', '3ffe::/16'],
        ['domain', 'co.uk'],
        ['domain', 'github.io'],
      ],
    ),
    // The pulse is new, and what it holds is not.
    make.pulse({
      name: 'Everything we ever saw',
      author: lantern,
      tlp: 'white',
      ageDays: 2,
      modifiedAgeDays: 2,
      tags: ['archive'],
      indicators: ['IPv4', 'domain', 'URL', 'email', 'FileHash-SHA256', 'Mutex'].flatMap((type) => [
        make.indicator(type, { ageDays: 400 }),
        make.indicator(type, { ageDays: 2 }),
      ]),
    }),
    make.pulse({
      name: 'Too large for one page',
      author: harbour,
      tlp: 'white',
      ageDays: 3,
      modifiedAgeDays: 3,
      tags: ['loader'],
      indicators: Array.from({ length: 260 }, (_, index) =>
        make.indicator(index % 2 ? 'domain' : 'FileHash-SHA256', {
          ageDays: 3,
          // OTX tells this only where a pulse's indicators are asked for.
          ...(index === 255 && { change: { false_positive: acceptedFalsePositive } }),
        }),
      ),
    }),
    make.pulse({
      name: 'Deleted while you watch',
      author: lantern,
      tlp: 'white',
      ageDays: 0.5,
      modifiedAgeDays: 0.4,
      tags: ['live'],
      indicators: Array.from({ length: 5 }, () => make.indicator('domain', { ageDays: 0.5 })),
      change: { id: deletedPulse },
    }),
  ]
}

function pulseOf(
  make: PulseMaker,
  name: string,
  author: string,
  tags: readonly string[],
  observables: readonly Observable[],
) {
  const ageDays = 3
  return make.pulse({
    name,
    author,
    tlp: 'white',
    ageDays,
    modifiedAgeDays: 2,
    tags,
    indicators: observables.map(([type, indicator]) =>
      make.indicator(type, { indicator, ageDays }),
    ),
  })
}
