import type { Test } from 'tap'
import { normalForm } from '../../src/model/normal-form.ts'
import type { ObservableType } from '../../src/model/observable.ts'

/** [value as it came, normal form or undefined where it is refused, its type where it was corrected] */
export type Row = readonly [string, string | undefined, ObservableType?]

export function checkNormalForms(t: Test, type: ObservableType, rows: readonly Row[]): void {
  for (const [value, expected, corrected = type] of rows) {
    const result = normalForm(type, value)
    // Escaped, since TAP takes U+2028 for the end of a line.
    const label = `${type} ${encodeURI(value.slice(0, 80).toWellFormed())}`
    if (expected === undefined) t.equal(result.ok, false, label)
    else t.same(result, { ok: true, type: corrected, value: expected }, label)
  }
  t.end()
}
