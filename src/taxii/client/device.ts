import type { ReadBlock } from './reading.ts'

/** The devices that `taxiway poll` can be. */
export const deviceNames = ['esa', 'cabby', 'tid', 'minemeld'] as const
export type DeviceName = (typeof deviceNames)[number]

/** How a device polls; what it does with the answer is `read`. */
export interface Device {
  readonly name: DeviceName
  /** for people: `Cisco Secure Email Gateway` */
  readonly title: string
  /** one sentence for people: on what rests what is said of this device, such as which documents */
  readonly basis: string
  /** asks for the services and the collection before it polls */
  readonly discovers: boolean
  /** the Content_Binding that it asks for; undefined: none, which means any */
  readonly binding: string | undefined
  /** the days that one request covers; undefined: all at once */
  readonly windowDays: number | undefined
  /** how often it tries a request that fails */
  readonly attempts: number
  readonly userAgent: string
  readonly read: ReadBlock
}
