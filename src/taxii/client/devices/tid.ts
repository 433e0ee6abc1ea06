import type { Device } from '../device.ts'
import { countInline } from './count-inline.ts'

export const tid: Device = {
  name: 'tid',
  title: 'Cisco Firepower Threat Intelligence Director',
  discovers: true,
  binding: undefined,
  windowDays: undefined,
  attempts: 1,
  userAgent: 'Java/1.8.0',
  read: countInline,
}
