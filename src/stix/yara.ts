import { escapeText } from '../xml/write.ts'
import type { Form } from './cybox.ts'
import { namespaces } from './namespaces.ts'
import { maxTitleLength, toLine } from './text.ts'

export const yaraForm: Form = {
  label: 'YARA rule',
  indicatorType: 'Malware Artifacts',
  namespaces: namespaces('yaraTM'),
}

// By the line, and without a star over line ends: a rule is up to 64 kB of anybody's text.
const ruleName =
  /^[ \t]*(?:(?:global|private)[ \t]+){0,2}rule[ \t]+([A-Za-z_]\w{0,127})[ \t]*[:{\r\n]/m

/** `YARA rule NAME`, of the first rule in the text; undefined where none can be read. */
export function findRuleTitle(text: string): string | undefined {
  const name = ruleName.exec(text)?.[1]
  return name && toLine(`${yaraForm.label} ${name}`, maxTitleLength)
}

/** A rule is how to test, not what is seen: STIX has it beside the place of the observable. */
export function renderTestMechanism(rule: string): string {
  return `<indicator:Test_Mechanisms><indicator:Test_Mechanism xsi:type="yaraTM:YaraTestMechanismType"><yaraTM:Rule>${escapeText(rule)}</yaraTM:Rule></indicator:Test_Mechanism></indicator:Test_Mechanisms>`
}
