/**
 * Tells stores apart by words that let nobody in.
 * @param databaseUrl undefined: the embedded database
 */
export function nameStore(databaseUrl: string | undefined): string {
  if (databaseUrl === undefined) return 'embedded'
  const { hostname, port, pathname, searchParams } = new URL(databaseUrl)
  const host = encodeURIComponent(hostname || searchParams.get('host') || 'localhost')
  return `postgresql ${host}:${port || 5432}${pathname}`
}
