import { createTestDatabase } from '../test/helpers/postgres.ts'

/** Runs work on an empty database of its own, which is dropped afterwards. */
export async function withDatabase<T>(work: (url: string) => Promise<T>): Promise<T> {
  const teardowns: (() => Promise<void>)[] = []
  const { url } = await createTestDatabase({ teardown: (step) => teardowns.push(step) })
  try {
    return await work(url)
  } finally {
    for (const step of teardowns) await step()
  }
}
