import fc from 'fast-check'
import t from 'tap'
import { contentBindings } from '../../src/model/collection.ts'
import type { IndicatorView } from '../../src/model/indicator.ts'
import { normalForm } from '../../src/model/normal-form.ts'
import { type RenderOptions, renderIndicator } from '../../src/stix/package.ts'
import { isPublishable, publishableTypes } from '../../src/stix/profiles.ts'
import { renderReport } from '../../src/stix/report-package.ts'
import { createDevice } from '../../src/taxii/client/devices/devices.ts'
import { contentOf } from './read-samples.ts'
import { producer, reportOf, viewOf } from './views.ts'

const piece = fc.constantFrom(
  ...['http://', 'hxxps://', 'ftp://', 'evil', '.example', '[.]', '.', '/', ':8080', '@', '?'],
  ...['#!', '##comma##', '##0##', '198.51.100.7', '[2001:db8::1]', '%20', 'münchen', '(dot)'],
  ...['&', ';', ',', '<a>', '"', "'", '\\', '{}', 'www', 'com', '-', '_', '=hxxp://b[.]example'],
)
const written = fc.oneof(
  fc.webUrl({ withQueryParameters: true, withFragments: true }),
  fc.domain(),
  fc.ipV4(),
  fc.ipV6(),
  ...[32, 40, 64].map((length) => fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`))),
  fc.array(piece, { minLength: 1, maxLength: 8 }).map((pieces) => pieces.join('')),
  fc.array(piece, { maxLength: 6 }).map((pieces) => `http://evil.example/${pieces.join('')}`),
)

for (const profile of ['esa', 'tid'] as const) {
  const anyOptions: fc.Arbitrary<RenderOptions> = fc.record({
    binding: fc.constantFrom(...contentBindings),
    profile: fc.constant(profile),
    cidr: fc.constant('omit' as const),
    producer: fc.constant(producer),
  })

  t.test(
    `our model of the device takes in all that the profile ${profile} publishes`,
    async (t) => {
      const device = createDevice(profile)
      let published = 0

      function findFault(xml: string, options: RenderOptions, views: readonly IndicatorView[]) {
        const { choked, observables } = device.read({
          binding: options.binding,
          label: '2026-11-21T12:00:00Z',
          content: contentOf(xml),
        })
        if (choked) return choked.text
        const dropped = observables.find((one) => one.dropped)
        if (dropped) return `${dropped.value}: ${dropped.dropped?.text}`
        const read = observables.map(({ type, value }) => `${type} ${value}`).join('\n')
        published += views.length
        return read === views.map(({ type, value }) => `${type} ${value}`).join('\n') ? '' : read
      }

      const anyForm = fc
        .tuple(fc.constantFrom(...publishableTypes(profile)), written)
        .map(([type, text]) => normalForm(type, text))
      fc.assert(
        fc.property(fc.array(anyForm, { maxLength: 6 }), anyOptions, (forms, options) => {
          const views = forms.flatMap((form) =>
            form.ok && isPublishable(options, form.type, form.value)
              ? [{ ...viewOf('domain'), type: form.type, value: form.value }]
              : [],
          )
          for (const view of views) {
            const { head, tail } = renderIndicator(view, options).withTimestamp(0)
            const fault = findFault(head + tail, options, [view])
            if (fault) throw new Error(fault)
          }
          const { head, tail } = renderReport(reportOf(views), options).withTimestamp(0)
          const fault = findFault(head + tail, options, views)
          if (fault) throw new Error(fault)
        }),
        { numRuns: 500 },
      )
      t.ok(published > 300, 'values that are published')
    },
  )
}
