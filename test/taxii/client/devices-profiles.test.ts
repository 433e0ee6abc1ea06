import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { type ContentBinding, contentBindings } from '../../../src/model/collection.ts'
import type { IndicatorView } from '../../../src/model/indicator.ts'
import { type RenderOptions, renderPackage } from '../../../src/stix/package.ts'
import { findLeftOut, isPublishable, publishableTypes } from '../../../src/stix/profiles.ts'
import { renderReport } from '../../../src/stix/report-package.ts'
import { createDevice } from '../../../src/taxii/client/devices/devices.ts'
import type { BlockReading } from '../../../src/taxii/client/reading.ts'
import { contentOf } from '../../stix/read-samples.ts'
import { anyView } from '../../stix/read-views.ts'
import { producer, reportOf } from '../../stix/views.ts'

const seed = 20_261_121
const timestamp = 1_760_000_000_123_456
const label = '2026-01-02T03:04:05.678901Z'

/** The profiles that are made for one device. */
const devices = ['esa', 'tid'] as const

function read(name: (typeof devices)[number], xml: string, binding: ContentBinding): BlockReading {
  return createDevice(name).read({ binding, label, content: contentOf(xml) })
}

const anyCase = fc.record({
  name: fc.constantFrom(...devices),
  binding: fc.constantFrom(...contentBindings),
  cidr: fc.constantFrom('cidr' as const, 'address' as const),
})

t.test('a device takes in exactly what its profile does not leave out', async () => {
  const left = new Set<string>()
  const check = fc.property(anyCase, anyView(publishableTypes('full')), (some, view) => {
    const { name, binding, cidr } = some
    const { type, value } = view
    const leftOut = findLeftOut({ profile: name, cidr: 'omit' }, type, value)
    const shape = leftOut
      ? ({ profile: 'full', cidr } as const)
      : ({ profile: name, cidr: 'omit' } as const)
    // What has no place in STIX at all cannot be sent either.
    fc.pre(isPublishable(shape, type, value))
    const options: RenderOptions = { ...shape, binding, producer }
    const { choked, observables, ignored } = read(
      name,
      renderPackage(view, { ...options, timestamp }),
      binding,
    )
    assert.equal(choked, undefined)
    if (leftOut) {
      left.add(`${name} ${leftOut.rule}`)
      assert.deepEqual(
        observables.filter(({ dropped }) => !dropped),
        [],
      )
      return
    }
    assert.deepEqual(observables, [{ type, value, dropped: undefined }])
    assert.deepEqual(ignored, [])
  })
  fc.assert(check, { seed, numRuns: 1500 })
  assert.deepEqual([...left].sort(), [
    'esa list-delimiter',
    'esa type',
    'tid list-delimiter',
    'tid scheme',
    'tid type',
  ])
})

t.test('a device takes in all of a report in its profile', async () => {
  const views = fc.array(anyView(publishableTypes('esa'), 1), { minLength: 1, maxLength: 6 })
  const check = fc.property(anyCase, views, ({ name, binding }, all) => {
    const options: RenderOptions = { profile: name, cidr: 'omit', binding, producer }
    const published = all.filter(({ type, value }: IndicatorView) =>
      isPublishable(options, type, value),
    )
    fc.pre(published.length > 0)
    const { head, tail } = renderReport(reportOf(published), options).withTimestamp(timestamp)
    const { choked, observables, ignored } = read(name, head + tail, binding)
    assert.equal(choked, undefined)
    assert.deepEqual(
      observables,
      published.map(({ type, value }) => ({ type, value, dropped: undefined })),
    )
    assert.deepEqual(ignored, [])
  })
  fc.assert(check, { seed, numRuns: 200 })
})
