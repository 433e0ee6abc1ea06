import type { Line } from './measure.ts'

export async function benchWalk(_runs: number): Promise<readonly Line[]> {
  return []
}
