import t from 'tap'
import { assertLaw } from './schedules.ts'

// Here no two transactions can be under way at once: they follow each other, in a random order.
t.test('each block reaches each poller once, whatever the order of transactions', (t) =>
  assertLaw(t, 'embedded', 8, ['published', 'blocks', 'parts', 'moved', 'clamped']),
)
