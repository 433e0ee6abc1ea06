import type { JudgeSettings } from '../curation/judge.ts'
import type { Producer } from '../publish/prepare.ts'
import type { Db } from '../store/db.ts'

/** What every way into the store needs: handed in once, when the service is put together. */
export interface Intake {
  readonly db: Db
  readonly producer: Producer
  readonly judgeSettings: JudgeSettings
  readonly clock: () => Date
}
