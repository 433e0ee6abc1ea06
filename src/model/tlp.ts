/** Traffic Light Protocol levels from the most to the least shareable. */
export const tlpLevels = ['white', 'green', 'amber', 'amber+strict', 'red'] as const
export type Tlp = (typeof tlpLevels)[number]

export function tlpRank(tlp: Tlp): number {
  return tlpLevels.indexOf(tlp)
}

/**
 * Reads a level as feeds spell it: any case, `TLP:`, `TLP-` or `TLP_` in front, `clear` for white,
 * `AMBER STRICT` and `amber_strict` for amber+strict.
 */
export function parseTlp(text: string): Tlp | undefined {
  const name = text
    .trim()
    .toLowerCase()
    .replace(/^tlp[:\s_-]*/, '')
    .replace(/^amber\s*[+_\s-]\s*strict$/, 'amber+strict')
  if (name === 'clear') return 'white'
  return tlpLevels.find((level) => level === name)
}
