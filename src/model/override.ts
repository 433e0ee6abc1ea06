/** A reason against an indicator that an analyst has lifted, whoever asserts it, for a time. */
export interface Override {
  readonly id: number
  readonly type: string
  /** the indicator's normal form */
  readonly value: string
  readonly reason: string
  /** the one rule that is lifted; undefined: whatever rule of that reason spoke */
  readonly rule: string | undefined
  readonly because: string
  readonly madeBy: string
  readonly madeAt: Date
  readonly expiresAt: Date
  readonly endedBy: string | undefined
  readonly endedAt: Date | undefined
  /** how many suppressions it lifts now; 0: nothing would be kept out for that reason */
  readonly lifts: number
}
