import { escapeText } from '../xml/write.ts'

/** @param addresses each as findWebAddress gives it */
export function renderReferences(addresses: readonly string[]): string {
  let references = ''
  for (const address of addresses)
    references += `<stixCommon:Reference>${escapeText(address)}</stixCommon:Reference>`
  return references && `<stixCommon:References>${references}</stixCommon:References>`
}

/**
 * What an Information_Source holds.
 * @param name escaped
 * @param references as renderReferences gives them
 */
export function renderSource(name: string, references: string): string {
  return `<stixCommon:Identity><stixCommon:Name>${name}</stixCommon:Name></stixCommon:Identity>${references}`
}
