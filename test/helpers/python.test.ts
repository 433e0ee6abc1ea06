import t from 'tap'
import { runCabby, runPython, validateStix, validateTaxii } from './python.ts'

const stixPackage = (version: string, indicator: string) => `<stix:STIX_Package
  xmlns:stix="http://stix.mitre.org/stix-1"
  xmlns:indicator="http://stix.mitre.org/Indicator-2"
  xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
  xmlns:example="http://example.com"
  id="example:package-1" version="${version}">
  <stix:Indicators>
    <stix:Indicator id="example:indicator-1" xsi:type="indicator:IndicatorType">${indicator}
    </stix:Indicator>
  </stix:Indicators>
</stix:STIX_Package>`

const title = '<indicator:Title>café</indicator:Title>'

const discoveryRequest = (attributes: string) => `<taxii_11:Discovery_Request
  xmlns:taxii_11="http://taxii.mitre.org/messages/taxii_xml_binding-1.1" ${attributes}/>`

for (const version of ['1.2', '1.1.1'] as const) {
  t.test(`good and bad STIX ${version} packages are told apart, in order`, async (t) => {
    const [good, unknownElement, cutShort, alsoGood] = await validateStix(
      [
        stixPackage(version, title),
        stixPackage(version, '<indicator:Titel>x</indicator:Titel>'),
        '<stix:STIX_Package',
        stixPackage(version, ''),
      ],
      version,
    )
    t.same(good, [])
    t.match(unknownElement, [/Titel/])
    t.match(cutShort, [/not well-formed/])
    t.same(alsoGood, [])
  })
}

t.test('a STIX package of another version than asked for is reported', async (t) => {
  const [errors] = await validateStix([stixPackage('1.1.1', title)], '1.2')
  t.match(errors, [/1\.1\.1/])
})

t.test('best practices are judged only when asked for', async (t) => {
  const documents = [stixPackage('1.2', title)]
  t.same(await validateStix(documents, '1.2'), [[]])
  const [warnings] = await validateStix(documents, '1.2', { bestPractices: true })
  t.ok(warnings?.length)
})

t.test('good and bad TAXII messages are told apart', async (t) => {
  const [good, withoutId, notTaxii] = await validateTaxii([
    discoveryRequest('message_id="1"'),
    discoveryRequest(''),
    '<html/>',
  ])
  t.same(good, [])
  t.match(withoutId, [/message_id/])
  t.match(notTaxii, [/html/])
})

t.test('no documents are no work', async (t) => {
  t.same(await validateStix([], '1.2'), [])
})

t.test('a program answers with its output and its exit code', async (t) => {
  t.same(await runPython(['-c', 'import sys; print(sys.stdin.read()); sys.exit(3)'], 'in'), {
    stdout: 'in\n',
    stderr: '',
    code: 3,
  })
})

t.test("cabby's commands run", async (t) => {
  const { stdout, code } = await runCabby('taxii-poll', ['--help'])
  t.equal(code, 0)
  t.match(stdout, /--collection/)
})
