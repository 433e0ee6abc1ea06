import {
  type EvidenceKind,
  type EvidenceSource,
  evidenceKinds,
  readAllEvidence,
  readAllSecrets,
} from './evidence.ts'
import { createFind } from './find.ts'
import { secretToNeedles } from './needles.ts'

export interface Finding extends EvidenceSource {
  readonly what: string
  /** such as "in base64" */
  readonly form: string
  /** what stands around it, the secret itself blotted out */
  readonly around: string
}

export interface Searched {
  readonly secrets: number
  readonly bytes: ReadonlyMap<EvidenceKind, number>
  readonly findings: readonly Finding[]
}

const maxFindings = 200

/** Looks for every noted secret in all evidence. The same one in the same place counts once. */
export function searchEvidence(folder: string): Searched {
  const secrets = [...new Map(readAllSecrets(folder).map((one) => [one.value, one])).values()]
  const find = createFind(secrets.flatMap(secretToNeedles))
  const bytes = new Map<EvidenceKind, number>(evidenceKinds.map((kind) => [kind, 0]))
  const findings = new Map<string, Finding>()
  for (const { body, ...source } of readAllEvidence(folder)) {
    bytes.set(source.kind, Number(bytes.get(source.kind)) + body.length)
    for (const { at, needle } of find(body)) {
      const { what, value } = needle.secret
      const key = [source.kind, source.test, source.where, value].join(' ')
      if (findings.has(key) || findings.size === maxFindings) continue
      const around = blotOut(body, at, needle.bytes.length)
      findings.set(key, { ...source, what, form: needle.form, around })
    }
  }
  return { secrets: secrets.length, bytes, findings: [...findings.values()] }
}

/** The whole word goes, since a needle may be a part of its secret. */
function blotOut(body: Buffer, at: number, length: number): string {
  const isOfWord = (index: number) => /[\w+/=%-]/.test(String.fromCharCode(Number(body[index])))
  let begin = at
  while (begin > 0 && at - begin < 512 && isOfWord(begin - 1)) begin -= 1
  let end = at + length
  while (end < body.length && end - at < 512 && isOfWord(end)) end += 1
  const before = body.toString('utf8', Math.max(0, begin - 80), begin)
  const after = body.toString('utf8', end, end + 40)
  return `${before}[secret]${after}`.replace(/\s+/g, ' ')
}

/**
 * @param whole whether all tests ran: then a kind of evidence that is missing is a fault of the search
 * @returns what to print, and whether no secret was found
 */
export function judgeSearch(
  { secrets, bytes, findings }: Searched,
  whole: boolean,
): { readonly lines: readonly string[]; readonly ok: boolean } {
  const amounts = [...bytes].map(([kind, count]) => `${kind} ${(count / 1e6).toFixed(1)} MB`)
  const searched = `searched for ${secrets} secrets in what the tests left behind: ${amounts.join(', ')}`
  const missing = whole ? [...bytes].filter(([, count]) => count === 0).map(([kind]) => kind) : []
  const faults = [
    ...missing.map(
      (kind) => `nothing of the kind "${kind}" was kept: the search cannot vouch for it`,
    ),
    ...(whole && secrets === 0
      ? ['no test has noted a secret: there was nothing to look for']
      : []),
    ...findings.map(
      ({ kind, test, where, what, form, around }) =>
        `a secret (${what}, ${form}) stands in a ${kind} of ${test}, ${where}: …${around}…`,
    ),
  ]
  const verdict = faults.length === 0 ? 'none was found' : `${faults.length} faults`
  return { lines: [...faults, `${searched}; ${verdict}`], ok: faults.length === 0 }
}
