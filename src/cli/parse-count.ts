import { InvalidArgumentError } from 'commander'

export function parseCount(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text))
    throw new InvalidArgumentError('must be a number from 1 to 9999999.')
  return Number(text)
}

export function parseDays(text: string): number {
  const days = /^\d{1,4}$/.test(text) ? Number(text) : 0
  if (days < 1 || days > 3650) throw new InvalidArgumentError('must be a number from 1 to 3650.')
  return days
}

export function parseId(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new InvalidArgumentError('must be a number of the list.')
  return Number(text)
}
