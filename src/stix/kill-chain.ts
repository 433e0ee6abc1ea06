/** Lockheed Martin's phases, first to last, under the ids that python-stix gave them and tools know. */
const phases = [
  ['Reconnaissance', 'af1016d6-a744-4ed7-ac91-00fe2272185a'],
  ['Weaponization', '445b4827-3cca-42bd-8421-f2e947133c16'],
  ['Delivery', '79a0e041-9d5f-49bb-ada4-8322622b162d'],
  ['Exploitation', 'f706e4e7-53d8-44ef-967f-81535c9db7d0'],
  ['Installation', 'e1e4e3f7-be3b-4b39-b80a-a593cfd99a4f'],
  ['Command and Control', 'd6dc32b9-2538-4951-8733-3cb9ef1daae2'],
  ['Actions on Objectives', '786ca8f9-2d9a-4213-b38e-399af4a2e5d6'],
] as const

const chain =
  'kill_chain_id="stix:TTP-af3e707f-2fb9-49e5-8c37-14026ca0a5ff" kill_chain_name="LM Cyber Kill Chain"'

/*
 * A role counts where it is the name of a phase. Most are not: phishing may be there to deliver or to steal
 * passwords, and what hosts malware may deliver or install it. To guess would put words into a source's mouth.
 */
const phaseByRole = new Map<string, number>([
  ...phases.map(([name], index) => [name.toLowerCase(), index] as const),
  ['c2', 5],
  ['c&c', 5],
])

/** The phases that the roles name, each once; '' where none does. */
export function renderKillChainPhases(claims: readonly { readonly role: string }[]): string {
  const named = new Set<number>()
  for (const { role } of claims) {
    if (role === '') continue
    const phase = phaseByRole.get(
      role
        .trim()
        .toLowerCase()
        .replace(/[\s_-]+/g, ' '),
    )
    if (phase !== undefined) named.add(phase)
  }
  let text = ''
  phases.forEach(([name, guid], index) => {
    if (named.has(index))
      text += `<stixCommon:Kill_Chain_Phase ${chain} phase_id="stix:TTP-${guid}" name="${name}" ordinality="${index + 1}"/>`
  })
  return text && `<indicator:Kill_Chain_Phases>${text}</indicator:Kill_Chain_Phases>`
}
