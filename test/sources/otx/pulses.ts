import type { PulseOptions } from '../../../src/sources/otx/pulse.ts'

export const options: PulseOptions = {
  defaultTlp: 'amber',
  confidence: 25,
  now: new Date('2026-06-01T00:00:00Z'),
}

export const pulseId = '5f0000000000000000000001'

/** A pulse as OTX writes it today; a test changes what it is about. */
export function aPulse(change: object = {}) {
  return {
    id: pulseId,
    name: 'Loaders',
    description: 'What they fetch.',
    author_name: 'Harbour Watch',
    modified: '2026-05-02T10:20:30.123456',
    created: '2026-05-01T09:08:07.123000',
    revision: 3,
    tlp: 'green',
    public: 1,
    adversary: '',
    tags: ['loader'],
    references: ['https://blog.taxiway-demo.com/1'],
    targeted_countries: ['Norway'],
    industries: ['Energy'],
    malware_families: [],
    attack_ids: [],
    extract_source: [],
    more_indicators: false,
    indicators: [anIndicator()] as unknown[],
    ...change,
  }
}

export function anIndicator(change: object = {}) {
  return {
    id: 4000000001,
    indicator: 'c2.taxiway-demo.com',
    type: 'domain',
    created: '2026-05-01T09:08:07',
    content: '',
    title: '',
    description: null,
    expiration: null,
    is_active: 1,
    role: null,
    ...change,
  }
}
